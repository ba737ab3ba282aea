/* Cleans the names of uploaded files. */
#include "base/text.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str_utf8.h"
#include "base/text_kind.h"

#define EXTENSION_MAX 32                          /* bytes with its dot: longer is no extension */
#define COMPOSE_MAX   (4 * KZ_TEXT_FILE_NAME_MAX) /* bytes before characters are composed */

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char nameless[] = "unbenannt";

/* Copies what can be seen of NAME to TO, which has room for three times LEN bytes. Returns the
 * number of bytes. */
static size_t copy_visible(char *to, const char *name, size_t len)
{
    size_t used = 0, step;
    uint32_t character = 0;

    for (size_t i = 0; i < len; i += step) {
        kz_text__kind_t kind;

        step = kz_str__utf8_next(&character, name + i, len - i);
        if (!step) {
            memcpy(to + used, replacement, sizeof replacement - 1);
            used += sizeof replacement - 1;
            step = 1;
            continue;
        }
        kind = kz_text__kind(character);
        if (kind == KZ_TEXT__VISIBLE || kind == KZ_TEXT__JOINER || kind == KZ_TEXT__BLANK) {
            memcpy(to + used, name + i, step);
            used += step;
        }
    }
    return used;
}

/* The number of bytes at the start of UTF-8 NAME that show nothing. */
static size_t blank_start(const char *name, size_t len)
{
    uint32_t character = 0;
    size_t i = 0;

    while (i < len) {
        size_t step = kz_str__utf8_next(&character, name + i, len - i);

        if (kz_text__kind(character) == KZ_TEXT__VISIBLE)
            break;
        i += step;
    }
    return i;
}

/* The length of UTF-8 NAME without dots and what shows nothing at the end. */
static size_t trim_end(const char *name, size_t len)
{
    size_t kept = 0;
    uint32_t character = 0;

    for (size_t i = 0; i < len;) {
        i += kz_str__utf8_next(&character, name + i, len - i);
        if (character != '.' && kz_text__kind(character) == KZ_TEXT__VISIBLE)
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

/* Cuts NAME before its extension so that it has MAX bytes at most. */
static size_t shorten(char *name, size_t len, size_t max)
{
    const char *dot = memrchr(name, '.', len);
    size_t extension = dot && dot > name ? len - (size_t)(dot - name) : 0, stem;

    if (len <= max)
        return len;
    if (extension > EXTENSION_MAX)
        extension = 0;
    stem = whole_characters(name, len - extension, max - extension);
    memmove(name + stem, name + len - extension, extension);
    return trim_end(name, stem + extension);
}

/* Whether NAME is a path as Windows writes it: "C:\\folder\\a.pdf", "\\\\server\\folder\\a.pdf". */
static int is_windows_path(const char *name, size_t len)
{
    int letter = len > 2 && ((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z');

    return (letter && name[1] == ':' && name[2] == '\\') ||
           (len > 1 && name[0] == '\\' && name[1] == '\\');
}

/* The part of NAME behind the last C. */
static size_t behind_last(const char *name, size_t len, char c)
{
    const char *last = memrchr(name, c, len);

    return last ? (size_t)(last - name) + 1 : 0;
}

const char *kz_text_file_name(const char *name, size_t len, apr_pool_t *pool)
{
    size_t skip = len ? behind_last(name, len, '/') : 0;
    char *kept = apr_palloc(pool, 3 * (len - skip) + 1);

    len = copy_visible(kept, skip ? name + skip : name, len - skip);
    skip = blank_start(kept, len);
    if (is_windows_path(kept + skip, len - skip)) {
        skip += behind_last(kept + skip, len - skip, '\\');
        skip += blank_start(kept + skip, len - skip);
    }
    kept += skip;
    len = shorten(kept, trim_end(kept, len - skip), COMPOSE_MAX);
    kept = (char *)kz_text__nfc(kept, len, pool);
    if (!kept)
        return nameless;
    len = shorten(kept, strlen(kept), KZ_TEXT_FILE_NAME_MAX);
    kept[len] = '\0';
    return len ? kept : nameless;
}
