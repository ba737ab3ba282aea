/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Files that the utility uuencode (POSIX) has written as text, in either of its codes. bsdtar finds
 * an archive in such a text, also behind other lines; libclamav does in mails, and where nothing
 * stands before it. So what is coded is scanned on its own. */
#include "members.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "copies.h"

#define BASE64 "begin-base64 "
#define PLAIN  "begin "

typedef struct text_t {
    const unsigned char *at, *end;
} text_t;

static int is_end_of_line(unsigned char c)
{
    return c == '\n' || c == '\r';
}

static void next_line(text_t *text)
{
    while (text->at < text->end && !is_end_of_line(*text->at))
        text->at++;
    while (text->at < text->end && is_end_of_line(*text->at))
        text->at++;
}

/* Reads the first line of a coded file: its code, a mode and a name. Returns 1 if it is one. */
static int read_head(int *base64, text_t *text)
{
    size_t left = (size_t)(text->end - text->at);
    int digits = 0;

    *base64 = left > strlen(BASE64) && memcmp(text->at, BASE64, strlen(BASE64)) == 0;
    if (!*base64 && (left < strlen(PLAIN) || memcmp(text->at, PLAIN, strlen(PLAIN)) != 0))
        return 0;
    for (text->at += strlen(*base64 ? BASE64 : PLAIN);
         text->at < text->end && *text->at >= '0' && *text->at <= '7'; text->at++)
        digits++;
    if (digits < 3 || text->at == text->end || *text->at != ' ')
        return 0;
    next_line(text);
    return 1;
}

static size_t decode_uu(unsigned char *out, text_t text)
{
    size_t made = 0;

    while (text.at<text.end && * text.at> ' ' && *text.at < '`') {
        size_t count = *text.at++ - ' ';
        unsigned bits = 0, have = 0;

        for (; count > 0 && text.at < text.end && *text.at >= ' ' && *text.at <= '`'; text.at++) {
            bits = bits << 6 | ((*text.at - ' ') & 63u);
            have += 6;
            if (have >= 8) {
                have -= 8;
                out[made++] = (unsigned char)(bits >> have);
                count--;
            }
        }
        if (count > 0)
            break;
        next_line(&text);
    }
    return made;
}

static size_t decode_base64(unsigned char *out, text_t text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t made = 0;
    unsigned bits = 0, have = 0;

    for (; text.at < text.end && (isalnum(*text.at) || strchr("+/\r\n", *text.at)); text.at++) {
        if (*text.at == '\0')
            break;
        if (is_end_of_line(*text.at))
            continue;
        bits = bits << 6 | (unsigned)(strchr(letters, *text.at) - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[made++] = (unsigned char)(bits >> have);
        }
    }
    return made;
}

/* Keeps what the lines of TEXT hold, decoded. */
static void keep(kz_inspection_t *in, text_t text, int base64)
{
    size_t most = (size_t)(text.end - text.at), made;
    unsigned char *room = kz_copies_room(in->parts, most), *less;

    if (!room) {
        in->overflow = 1;
        return;
    }
    made = base64 ? decode_base64(room, text) : decode_uu(room, text);
    if (made > in->left)
        in->overflow = 1;
    if (made < KZ_LEAST || in->overflow) {
        free(room);
        return;
    }
    in->left -= made;
    less = realloc(room, made);
    kz_copies_add(in->parts, less ? less : room, made);
}

void kz_inspect_coded(kz_inspection_t *in, const kz_layer_t *layer)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    for (; in->parts && !in->overflow && (p = memmem(p, (size_t)(end - p), "begin", 5)); p++) {
        text_t text = {p, end};
        int base64;

        if ((p == layer->bytes || is_end_of_line(p[-1])) && read_head(&base64, &text))
            keep(in, text, base64);
    }
}
