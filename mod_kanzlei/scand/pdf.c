/* SPDX-License-Identifier: GPL-2.0-only */
#include "pdf.h"

#include <string.h>

#define STRING_MOST 1024 /* bytes of a string that is written anew; the longest needs 127 */
#define STRINGS     64   /* in one PDF */

static int is_space(unsigned char c)
{
    return c && strchr(" \t\r\n\f", c);
}

/* The character behind a backslash; moves AT behind it. -1: a line that goes on. */
static int escaped(const unsigned char *bytes, size_t length, size_t *at)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    unsigned char c = bytes[(*at)++];
    const char *special = c ? strchr(from, c) : NULL;
    int number = 0, digits = 0;

    if (special)
        return to[special - from];
    if (c == '\r' && *at < length && bytes[*at] == '\n')
        (*at)++;
    if (c == '\r' || c == '\n')
        return -1;
    if (c < '0' || c > '7')
        return c;
    for ((*at)--; digits < 3 && *at < length && bytes[*at] >= '0' && bytes[*at] <= '7'; digits++)
        number = number * 8 + bytes[(*at)++] - '0';
    return number & 0xff;
}

/* Reads the literal string that begins at AT, at its "(", and moves AT behind it. Returns how many
 * bytes it has, -1 if it has too many or no end. */
static int read_string(unsigned char out[STRING_MOST], const unsigned char *bytes, size_t length,
                       size_t *at)
{
    size_t p = *at + 1;
    int depth = 1, count = 0;

    while (p < length && count < STRING_MOST) {
        int c = bytes[p++];

        if (c == '\\' && p < length)
            c = escaped(bytes, length, &p);
        else if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0) {
            *at = p;
            return count;
        }
        if (c >= 0)
            out[count++] = (unsigned char)c;
    }
    return -1;
}

/* Whether a key of the encryption dictionary (ISO 32000-2, table 21) with a literal string stands
 * at AT; moves AT to the string. */
static int is_key(const unsigned char *bytes, size_t length, size_t *at)
{
    static const char *const keys[] = {"/O", "/U", "/OE", "/UE", "/Perms"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t p = *at + strlen(keys[i]);

        if (p >= length || memcmp(bytes + *at, keys[i], strlen(keys[i])) != 0)
            continue;
        while (p < length && is_space(bytes[p]))
            p++;
        if (p < length && bytes[p] == '(') {
            *at = p;
            return 1;
        }
    }
    return 0;
}

/* Copies to OUT, with those strings in hexadecimal. Returns the length. */
static size_t rewrite(unsigned char *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char string[STRING_MOST];
    size_t made = 0, from = 0, at = 0;
    int left = STRINGS;

    while (left > 0 && at < length) {
        const unsigned char *slash = memchr(bytes + at, '/', length - at);
        size_t begin;
        int count;

        if (!slash)
            break;
        at = (size_t)(slash - bytes);
        begin = at++;
        if (!is_key(bytes, length, &begin))
            continue;
        memcpy(out + made, bytes + from, begin - from);
        made += begin - from;
        from = begin;
        count = read_string(string, bytes, length, &begin);
        if (count < 0)
            continue;
        out[made++] = '<';
        for (int i = 0; i < count; i++) {
            out[made++] = (unsigned char)digits[string[i] >> 4];
            out[made++] = (unsigned char)digits[string[i] & 15];
        }
        out[made++] = '>';
        from = at = begin;
        left--;
    }
    memcpy(out + made, bytes + from, length - from);
    return made + length - from;
}

void kz_pdf_copy(kz_copies_t *copies, const unsigned char *bytes, size_t length)
{
    unsigned char *copy = kz_copies_room(copies, length + STRINGS * 2 * (STRING_MOST + 1));

    if (copy)
        kz_copies_add(copies, copy, rewrite(copy, bytes, length));
}
