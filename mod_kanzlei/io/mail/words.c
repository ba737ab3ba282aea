#include "io/mail/parts.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#define COLUMNS   76 /* characters of a line with an encoded-word: RFC 2047 section 2 */
#define EXTRA     12 /* of an encoded-word beside its text: "=?utf-8?B?" and "?=" */
#define PLAIN_MAX 60 /* characters of words that are written as they are */

/* How many bytes of the UTF-8 TEXT make whole characters and are no more than MOST. */
static size_t whole_characters(const char *text, size_t most)
{
    size_t len = strlen(text);

    if (len <= most)
        return len;
    while (most > 0 && (text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

static int is_plain(const char *words)
{
    const char *at;

    for (at = words; *at; at++) {
        if (*at < ' ' || *at > '~')
            return 0;
    }
    return at - words <= PLAIN_MAX && !strstr(words, "=?") && words[0] != ' ' &&
           (at == words || at[-1] != ' ');
}

/* TEXT as encoded-words, the first of which begins behind COLUMN characters of its line. */
static const char *encode(const char *text, size_t column, apr_pool_t *pool)
{
    char base64[COLUMNS + 1];
    const char *out = "";

    while (*text) {
        size_t room = (COLUMNS - column - EXTRA) / 4 * 3; /* bytes */
        size_t len = whole_characters(text, room);

        sodium_bin2base64(base64, sizeof base64, (const unsigned char *)text, len,
                          sodium_base64_VARIANT_ORIGINAL);
        out = apr_pstrcat(pool, out, *out ? "\r\n " : "", "=?utf-8?B?", base64, "?=", NULL);
        text += len;
        column = 1;
    }
    return out;
}

const char *kz_mail__words(const char *words, size_t column, apr_pool_t *pool)
{
    return is_plain(words) ? words : encode(words, column, pool);
}

/* RFC 5322 section 3.2.4. */
static const char *quote(const char *words, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, 2 * strlen(words) + 3), *to = out;

    *to++ = '"';
    for (; *words; words++) {
        if (*words == '"' || *words == '\\')
            *to++ = '\\';
        *to++ = *words;
    }
    *to++ = '"';
    *to = '\0';
    return out;
}

const char *kz_mail__mailbox(const char *name, const char *address, size_t column, apr_pool_t *pool)
{
    if (!name || !*name)
        return address;
    return apr_pstrcat(pool, is_plain(name) ? quote(name, pool) : encode(name, column, pool),
                       "\r\n <", address, ">", NULL);
}
