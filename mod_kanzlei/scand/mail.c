/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Mails, by GMime. libclamav passes over parts that mail programs show, such as those of a mail
 * that was forwarded as an attachment: each part is scanned on its own unless libclamav opened it.
 */
#include "members.h"

#include <ctype.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "copies.h"

#define PART_LEAST ((size_t)KZ_LEAST)

void kz_mail_init(void)
{
    g_mime_init();
}

/* Whether a line of LAYER begins with "Content-", as a header of MIME does (RFC 2045, 3). */
static int has_mime_header(const kz_layer_t *layer)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    while ((p = memmem(p, (size_t)(end - p), "ontent-", 7))) {
        if (p > layer->bytes && (p[-1] | 0x20) == 'c' &&
            (p - 1 == layer->bytes || p[-2] == '\n' || p[-2] == '\r'))
            return 1;
        p++;
    }
    return 0;
}

/* A header's name and a colon (RFC 5322, 2.2), or mbox's "From ". */
static int begins_as_mail(const kz_layer_t *layer)
{
    size_t i = 0;

    while (i < layer->length && isspace(layer->bytes[i]))
        i++;
    if (layer->length - i > 5 && memcmp(layer->bytes + i, "From ", 5) == 0)
        return 1;
    for (; i < layer->length && layer->bytes[i] > ' ' && layer->bytes[i] < 0x7f; i++)
        if (layer->bytes[i] == ':')
            return i > 0;
    return 0;
}

static int is_mail(const kz_layer_t *layer)
{
    return (layer->type && !strcmp(layer->type, "CL_TYPE_MAIL")) ||
           (begins_as_mail(layer) && has_mime_header(layer));
}

/* Keeps what a part holds, decoded. */
static void keep(GMimeObject *parent, GMimeObject *part, gpointer baton)
{
    kz_inspection_t *in = baton;
    GMimeDataWrapper *content;
    GMimeStream *stream;
    GByteArray *bytes;

    (void)parent;
    if (!GMIME_IS_PART(part) || in->overflow)
        return;
    content = g_mime_part_get_content(GMIME_PART(part));
    if (!content)
        return;
    stream = g_mime_stream_mem_new();
    if (g_mime_data_wrapper_write_to_stream(content, stream) < 0)
        in->trouble = 1;
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    if (bytes->len >= PART_LEAST && bytes->len > in->left) {
        in->overflow = 1;
    } else if (bytes->len >= PART_LEAST) {
        unsigned char *room = kz_copies_room(in->parts, bytes->len);

        in->left -= bytes->len;
        if (room) {
            memcpy(room, bytes->data, bytes->len);
            kz_copies_add(in->parts, room, bytes->len);
        } else {
            in->overflow = 1;
        }
    }
    g_object_unref(stream);
}

/* A mail in a mail is walked too. */
static void walk(GMimeObject *parent, GMimeObject *part, gpointer baton)
{
    GMimeMessage *inner;

    keep(parent, part, baton);
    if (GMIME_IS_MESSAGE_PART(part)) {
        inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
        if (inner)
            g_mime_message_foreach(inner, walk, baton);
    }
}

void kz_inspect_mail(kz_inspection_t *in, const kz_layer_t *layer)
{
    GMimeStream *stream;
    GMimeParser *parser;
    GMimeMessage *message;

    if (!in->parts || !is_mail(layer))
        return;
    stream = g_mime_stream_mem_new_with_buffer((const char *)layer->bytes, layer->length);
    parser = g_mime_parser_new_with_stream(stream);
    if (memcmp(layer->bytes, "From ", layer->length < 5 ? layer->length : 5) == 0)
        g_mime_parser_set_format(parser, GMIME_FORMAT_MBOX);
    do {
        message = g_mime_parser_construct_message(parser, NULL);
        if (message) {
            g_mime_message_foreach(message, walk, in);
            g_object_unref(message);
        }
    } while (message && !g_mime_parser_eos(parser) && !in->overflow);
    g_object_unref(parser);
    g_object_unref(stream);
}
