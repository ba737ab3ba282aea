/* What the files text*.c know of a character. */
#ifndef KZ_BASE_TEXT_KIND_H
#define KZ_BASE_TEXT_KIND_H

#include <stddef.h>
#include <stdint.h>

#include <apr_pools.h>

typedef enum kz_text__kind_t {
    KZ_TEXT__VISIBLE,
    KZ_TEXT__BLANK,     /* a space of some width (Zs), or the empty Braille cell */
    KZ_TEXT__BREAK,     /* other white space: a tab, ends of lines and paragraphs */
    KZ_TEXT__JOINER,    /* shows nothing, but changes how its neighbour looks */
    KZ_TEXT__INVISIBLE, /* shows nothing: formats, marks of direction, fillers */
    KZ_TEXT__CONTROL,   /* Cc that is no white space, and what is no character at all */
} kz_text__kind_t;

kz_text__kind_t kz_text__kind(uint32_t character);

/* LEN bytes of UTF-8 in NFC, ended by NUL, in POOL; NULL if they are not UTF-8, hold a
 * NUL or are more than KZ_TEXT_MAX. */
char *kz_text__nfc(const char *text, size_t len, apr_pool_t *pool);

#endif
