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

void kz_mail_init(void)
{
    g_mime_init();
}

/* How many lines begin with a header of MIME that tells what a part is or how it is coded (RFC
 * 2045, 5 and 6). */
static int count_headers(const unsigned char *bytes, size_t length)
{
    const unsigned char *p = bytes, *end = bytes + length;
    int count = 0;

    for (; (p = memmem(p, (size_t)(end - p), "ontent-", 7)); p++) {
        size_t left = (size_t)(end - p);

        if (p == bytes || (p[-1] | 0x20) != 'c' ||
            (p - 1 > bytes && p[-2] != '\n' && p[-2] != '\r'))
            continue;
        count += (left > 12 && !strncasecmp((const char *)p + 7, "type:", 5)) ||
                 (left > 25 && !strncasecmp((const char *)p + 7, "transfer-encoding:", 18));
    }
    return count;
}

static int count_of(GMimeObject *object)
{
    GMimeHeaderList *headers = g_mime_object_get_header_list(object);
    int count = 0;

    for (int i = 0; i < g_mime_header_list_get_count(headers); i++) {
        const char *name = g_mime_header_get_name(g_mime_header_list_get_header_at(headers, i));

        count +=
            !strcasecmp(name, "Content-Type") || !strcasecmp(name, "Content-Transfer-Encoding");
    }
    return count;
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
           (begins_as_mail(layer) && count_headers(layer->bytes, layer->length) > 0);
}

/* A mail while it is walked. */
typedef struct walk_t {
    kz_inspection_t *in;
    int headers; /* of MIME, seen so far */
} walk_t;

/* Keeps what a part holds, decoded. */
static void keep(walk_t *walk, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    kz_inspection_t *in = walk->in;
    unsigned char *room = NULL;
    GMimeStream *stream;
    GByteArray *bytes;

    if (!content)
        return;
    stream = g_mime_stream_mem_new();
    if (g_mime_data_wrapper_write_to_stream(content, stream) < 0)
        in->trouble = 1;
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    if (g_mime_content_type_is_type(g_mime_object_get_content_type(GMIME_OBJECT(part)), "text",
                                    "rfc822-headers"))
        walk->headers += count_headers(bytes->data, bytes->len);
    if (bytes->len >= KZ_LEAST) {
        if (bytes->len <= in->left)
            room = kz_copies_room(in->parts, bytes->len);
        if (room) {
            in->left -= bytes->len;
            memcpy(room, bytes->data, bytes->len);
            kz_copies_add(in->parts, room, bytes->len);
        } else {
            in->overflow = 1;
        }
    }
    g_object_unref(stream);
}

/* Looks at a part; a mail in the mail is walked too. */
static void look(GMimeObject *parent, GMimeObject *object, gpointer baton)
{
    walk_t *walk = baton;
    GMimeMessage *inner = NULL;

    (void)parent;
    walk->headers += count_of(object);
    if (GMIME_IS_PART(object) && !walk->in->overflow)
        keep(walk, GMIME_PART(object));
    if (GMIME_IS_MESSAGE_PART(object))
        inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (inner)
        g_mime_message_foreach(inner, look, baton);
}

void kz_inspect_mail(kz_inspection_t *in, const kz_layer_t *layer)
{
    walk_t walk = {in, 0};
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
            g_mime_message_foreach(message, look, &walk);
            g_object_unref(message);
        }
    } while (message && !g_mime_parser_eos(parser) && !in->overflow);
    g_object_unref(parser);
    g_object_unref(stream);
    /* A part that another program may find where GMime finds none. */
    if (count_headers(layer->bytes, layer->length) > walk.headers)
        in->unsupported = 1;
}
