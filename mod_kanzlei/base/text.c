#include "base/text.h"

#include <stdint.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <sodium.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/str_utf8.h"
#include "base/text_kind.h"

#define JOINER     0x200d
#define NON_JOINER 0x200c
#define EMPTY_CELL 0x2800 /* of Braille */

kz_text__kind_t kz_text__kind(uint32_t character)
{
    UChar32 c = (UChar32)character;

    if (c == JOINER || c == NON_JOINER || u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR))
        return KZ_TEXT__JOINER;
    if (u_charType(c) == U_SPACE_SEPARATOR || c == EMPTY_CELL)
        return KZ_TEXT__BLANK;
    if (u_isUWhiteSpace(c))
        return KZ_TEXT__BREAK;
    if (u_charType(c) == U_CONTROL_CHAR || U_IS_UNICODE_NONCHAR(c))
        return KZ_TEXT__CONTROL;
    if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
        (u_charType(c) == U_FORMAT_CHAR &&
         !u_hasBinaryProperty(c, UCHAR_PREPENDED_CONCATENATION_MARK)))
        return KZ_TEXT__INVISIBLE;
    return KZ_TEXT__VISIBLE;
}

/* WIDE in NFC, in POOL; NULL if it can't be had. */
static UChar *normalize(int32_t *normal_len, const UChar *wide, int32_t wide_len, apr_pool_t *pool)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    int32_t room = 3 * wide_len; /* UAX #15, "Maximum Expansion Factor": UTF-16 to NFC */
    UChar *normal = apr_palloc(pool, sizeof *normal * (size_t)room);

    *normal_len = unorm2_normalize(nfc, wide, wide_len, normal, room, &status);
    return U_SUCCESS(status) ? normal : NULL;
}

char *kz_text__nfc(const char *text, size_t len, apr_pool_t *pool)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t wide_len, normal_len, bytes;
    UChar *wide, *normal;
    char *out;
    size_t i = 0;

    if (len > KZ_TEXT_MAX || (len > 0 && memchr(text, '\0', len)))
        return NULL;
    while (i < len && !((unsigned char)text[i] & 0x80))
        i++;
    if (i == len) /* ASCII */
        return apr_pstrmemdup(pool, text, len);
    wide = apr_palloc(pool, sizeof *wide * len);
    u_strFromUTF8(wide, (int32_t)len, &wide_len, text, (int32_t)len, &status);
    normal = U_SUCCESS(status) ? normalize(&normal_len, wide, wide_len, pool) : NULL;
    if (!normal)
        return NULL;
    bytes = 3 * normal_len + 1;
    out = apr_palloc(pool, (size_t)bytes);
    u_strToUTF8(out, bytes, NULL, normal, normal_len, &status);
    sodium_memzero(wide, sizeof *wide * len); /* it may have been a password */
    sodium_memzero(normal, sizeof *normal * (size_t)normal_len);
    return U_SUCCESS(status) ? out : NULL;
}

/* What a folding lets pass. */
enum {
    JOINERS = 1, /* where they change how something looks */
    BREAKS = 2   /* ends of lines, as spaces */
};

/* Copies the visible characters of TEXT to TO, which has room for LEN bytes, with single spaces
 * between them; gives 0 for what is refused. */
static int copy_line(char *to, size_t *used, const char *text, size_t len, int passes)
{
    uint32_t character = 0, before = 0;
    int space = 0, broken = 0;
    size_t step;

    *used = 0;
    for (size_t i = 0; i < len; i += step) {
        kz_text__kind_t kind;

        step = kz_str__utf8_next(&character, text + i, len - i);
        kind = step ? kz_text__kind(character) : KZ_TEXT__CONTROL;
        if (kind == KZ_TEXT__CONTROL)
            return 0;
        if (kind == KZ_TEXT__BLANK || kind == KZ_TEXT__BREAK)
            space = *used > 0;
        if (kind == KZ_TEXT__BREAK && character != '\t')
            broken = *used > 0;
        if (kind == KZ_TEXT__JOINER && (passes & JOINERS) && before >= 0x80 && !space)
            kind = KZ_TEXT__VISIBLE;
        if (kind != KZ_TEXT__VISIBLE)
            continue;
        if (broken && !(passes & BREAKS))
            return 0;
        if (space)
            to[(*used)++] = ' '; /* the blank had a byte at least */
        space = broken = 0;
        memcpy(to + *used, text + i, step);
        *used += step;
        before = character;
    }
    return 1;
}

/* Composed first, so that what a character is counts and not how it was typed; once more, because
 * what was left out may have stood between a letter and its mark. */
static const char *fold(const char *text, size_t len, int passes, apr_pool_t *pool)
{
    const char *typed = kz_text__nfc(text, len, pool);
    char *copy;

    if (!typed)
        return NULL;
    len = strlen(typed);
    copy = apr_palloc(pool, len + 1);
    if (!copy_line(copy, &len, typed, len, passes))
        return NULL;
    return kz_text__nfc(copy, len, pool);
}

const char *kz_text_line(const char *text, size_t len, apr_pool_t *pool)
{
    return fold(text, len, JOINERS, pool);
}

const char *kz_text_file_part(const char *text, size_t len, apr_pool_t *pool)
{
    return kz_text__nfc(text, len, pool);
}

const char *kz_text_area(const char *text, size_t len, apr_pool_t *pool)
{
    return fold(text, len, JOINERS | BREAKS, pool);
}

const char *kz_text_token(const char *text, size_t len, apr_pool_t *pool)
{
    return fold(text, len, 0, pool);
}

const char *kz_text_code(const char *text, size_t len, apr_pool_t *pool)
{
    char *code = apr_palloc(pool, len + 1);
    uint32_t character = 0;
    size_t used = 0, step;

    for (size_t i = 0; i < len; i += step) {
        step = kz_str__utf8_next(&character, text + i, len - i);
        if (!step)
            return NULL;
        if (!u_isalnum((UChar32)character))
            continue;
        if (step > 1)
            return NULL;
        code[used++] = (char)apr_toupper(text[i]);
    }
    code[used] = '\0';
    return code;
}

const char *kz_text_password(const char *text, size_t len, apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, len + 1);
    const char *folded;
    uint32_t character = 0;
    size_t used = 0, step;

    for (size_t i = 0; i < len; i += step) {
        step = kz_str__utf8_next(&character, text + i, len - i);
        if (!step || u_charType((UChar32)character) == U_CONTROL_CHAR ||
            U_IS_UNICODE_NONCHAR((UChar32)character))
            return NULL;
        if (u_charType((UChar32)character) == U_SPACE_SEPARATOR) {
            copy[used++] = ' ';
        } else {
            memcpy(copy + used, text + i, step);
            used += step;
        }
    }
    folded = kz_text__nfc(copy, used, pool);
    sodium_memzero(copy, used);
    return folded;
}

size_t kz_text_length(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}
