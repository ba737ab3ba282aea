/* Content-Disposition: how the name of a document is sent back. */
#include "base/str.h"

#include <string.h>

#include <apr_strings.h>

/* attr-char of RFC 8187 section 3.2.1 */
static int is_attr_char(char c)
{
    return c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                       "!#$&+-.^_`|~",
                       c);
}

static char *percent_encode(char *to, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text; text++) {
        if (is_attr_char(*text)) {
            *to++ = *text;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char)*text >> 4];
            *to++ = digits[(unsigned char)*text & 15];
        }
    }
    return to;
}

const char *kz_str_content_disposition(kz_str_disposition_t disposition, const char *name,
                                       apr_pool_t *pool)
{
    const char *type = disposition == KZ_STR_INLINE ? "inline" : "attachment";
    char *plain = apr_palloc(pool, strlen(name) + 1), *to = plain, *encoded;

    /* RFC 6266 appendix D: no escapes, and no percent sign that some browsers would decode. One
     * underscore stands for a character, however many bytes it has. */
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        if ((*c & 0xc0) != 0x80)
            *to++ = *c < 0x20 || *c >= 0x7f || strchr("\"\\%", *c) ? '_' : (char)*c;
    }
    *to = '\0';
    if (strcmp(plain, name) == 0)
        return apr_psprintf(pool, "%s; filename=\"%s\"", type, plain);
    encoded = apr_palloc(pool, 3 * strlen(name) + 1);
    *percent_encode(encoded, name) = '\0';
    return apr_psprintf(pool, "%s; filename=\"%s\"; filename*=UTF-8''%s", type, plain, encoded);
}
