/* The names of uploaded files: what is kept of them, and how they are sent back. */
#include "base/str.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str_utf8.h"

#define EXTENSION_MAX 32 /* bytes with its dot: what is longer is no extension */

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char nameless[] = "unbenannt";

typedef struct range_t {
    uint32_t first;
    uint32_t last;
} range_t;

/* Unicode 15: Cc, Zl, Zp, Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and those of Cf
 * that leave no mark on the paper. Sorted. */
static const range_t invisible[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
    {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

/* Zs, and the empty Braille cell. Sorted. */
static const range_t blank[] = {
    {0x0020, 0x0020}, {0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x2800, 0x2800}, {0x3000, 0x3000},
};

#define IS_IN(character, ranges) is_in(character, ranges, sizeof(ranges) / sizeof *(ranges))

static int is_in(uint32_t character, const range_t *ranges, size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= character; i++) {
        if (character <= ranges[i].last)
            return 1;
    }
    return 0;
}

/* Copies what can be seen of NAME to TO, which has room for three times LEN bytes, without blanks
 * at the start. Returns the number of bytes. */
static size_t copy_visible(char *to, const char *name, size_t len)
{
    size_t used = 0, step;
    uint32_t character = 0;

    for (size_t i = 0; i < len; i += step) {
        step = kz_str__utf8_next(&character, name + i, len - i);
        if (!step) {
            memcpy(to + used, replacement, sizeof replacement - 1);
            used += sizeof replacement - 1;
            step = 1;
        } else if (!IS_IN(character, invisible) && (used > 0 || !IS_IN(character, blank))) {
            memcpy(to + used, name + i, step);
            used += step;
        }
    }
    return used;
}

/* The length of UTF-8 NAME without blanks and dots at the end. */
static size_t trim_end(const char *name, size_t len)
{
    size_t kept = 0;
    uint32_t character = 0;

    for (size_t i = 0; i < len;) {
        i += kz_str__utf8_next(&character, name + i, len - i);
        if (character != '.' && !IS_IN(character, blank))
            kept = i;
    }
    return kept;
}

/* The greatest length up to MAX that does not cut a character of TEXT. */
static size_t whole_characters(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

/* Cuts NAME before its extension so that all of it fits. */
static size_t shorten(char *name, size_t len)
{
    const char *dot = memrchr(name, '.', len);
    size_t extension = dot && dot > name ? len - (size_t)(dot - name) : 0, stem;

    if (len <= KZ_STR_FILE_NAME_MAX)
        return len;
    if (extension > EXTENSION_MAX)
        extension = 0;
    stem = whole_characters(name, len - extension, KZ_STR_FILE_NAME_MAX - extension);
    memmove(name + stem, name + len - extension, extension);
    return trim_end(name, stem + extension);
}

const char *kz_str_file_name(const char *name, size_t len, apr_pool_t *pool)
{
    char *kept;

    for (size_t i = len; i > 0; i--) {
        if (name[i - 1] == '/' || name[i - 1] == '\\') {
            name += i;
            len -= i;
            break;
        }
    }
    kept = apr_palloc(pool, 3 * len + 1);
    len = copy_visible(kept, name, len);
    len = shorten(kept, trim_end(kept, len));
    if (len == 0)
        return nameless;
    kept[len] = '\0';
    return kept;
}

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
