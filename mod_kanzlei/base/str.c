#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sodium.h>

#include "base/str_utf8.h"

const char *kz_str_hex(const void *data, size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 2 * len + 1);

    return sodium_bin2hex(text, 2 * len + 1, data, len);
}

const char *kz_str_base64url(const void *data, size_t len, apr_pool_t *pool)
{
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = apr_palloc(pool, size);

    return sodium_bin2base64(text, size, data, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int kz_str_is_one_of(const char *values, const char *text, size_t len)
{
    size_t size;

    for (; *values; values += size + (values[size] == '|')) {
        size = strcspn(values, "|");
        if (size == len && memcmp(values, text, len) == 0)
            return 1;
    }
    return 0;
}

/* libsodium 1.0.18 takes each byte over 0x7f for the last letter of the alphabet. */
static int is_ascii(const char *text, size_t len)
{
    while (len > 0 && !(text[len - 1] & 0x80))
        len--;
    return len == 0;
}

kz_err_t *kz_str_base64_decode(unsigned char **data, size_t *len, const char *text, size_t text_len,
                               apr_pool_t *pool)
{
    size_t size = text_len / 4 * 3 + 3;

    *data = apr_palloc(pool, size);
    if (!is_ascii(text, text_len) || sodium_base642bin(*data, size, text, text_len, NULL, len, NULL,
                                                       sodium_base64_VARIANT_ORIGINAL) != 0)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "bad base64");
    return NULL;
}

/* Milliseconds since 1970 in the upper 48 of 60 bits, below them the fraction of the millisecond in
 * 4096ths; more than at any call before. */
static uint64_t next_tick(void)
{
    static _Atomic uint64_t last;
    struct timespec now;
    uint64_t tick, before = atomic_load(&last);

    clock_gettime(CLOCK_REALTIME, &now);
    tick = ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) << 12;
    tick |= ((uint64_t)now.tv_nsec % 1000000) * 4096 / 1000000;
    do {
        if (tick <= before)
            tick = before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, tick));
    return tick;
}

char *kz_str_digits(char *end, int value, int width)
{
    for (; width > 0 || value > 0; width--, value /= 10)
        *--end = (char)('0' + value % 10);
    return end;
}

void kz_str_uuid_text(char out[KZ_STR_UUID_SIZE], const unsigned char id[KZ_STR_UUID_BYTES])
{
    static const char hyphen_before[KZ_STR_UUID_BYTES] = {[4] = 1, [6] = 1, [8] = 1, [10] = 1};
    char hex[2 * KZ_STR_UUID_BYTES + 1], *to = out;

    sodium_bin2hex(hex, sizeof hex, id, KZ_STR_UUID_BYTES);
    for (size_t i = 0; i < KZ_STR_UUID_BYTES; i++) {
        if (hyphen_before[i])
            *to++ = '-';
        *to++ = hex[2 * i];
        *to++ = hex[2 * i + 1];
    }
    *to = '\0';
}

void kz_str_uuid_v7(char out[KZ_STR_UUID_SIZE])
{
    uint64_t tick = next_tick();
    unsigned char id[KZ_STR_UUID_BYTES];

    randombytes_buf(id, sizeof id);
    for (int i = 0; i < 6; i++)
        id[i] = (unsigned char)(tick >> (52 - 8 * i));
    id[6] = 0x70 | (unsigned char)((tick >> 8) & 0x0f); /* version 7 */
    id[7] = (unsigned char)tick;
    id[8] = 0x80 | (id[8] & 0x3f); /* variant 10 */
    kz_str_uuid_text(out, id);
}

int kz_str_is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (!text)
        return 0;
    for (size_t i = 0; i < sizeof form; i++) {
        if (form[i] == 'x' ? !text[i] || !strchr("0123456789abcdef", text[i]) : text[i] != form[i])
            return 0;
    }
    return 1;
}

int kz_str_equal_secret(const char *one, const char *other)
{
    size_t len;

    if (!one || !other)
        return 0;
    len = strlen(one);
    return len == strlen(other) && sodium_memcmp(one, other, len) == 0;
}

int kz_str_is_utf8(const char *text, size_t len)
{
    uint32_t character;
    size_t step;

    for (size_t i = 0; i < len; i += step) {
        uint64_t eight;

        step = sizeof eight;
        if (len - i >= step &&
            (memcpy(&eight, text + i, step), !(eight & UINT64_C(0x8080808080808080))))
            continue; /* ASCII */
        step = kz_str__utf8_next(&character, text + i, len - i);
        if (!step)
            return 0;
    }
    return 1;
}

/* Whether one of the segments of PATH, up to its query, begins with a dot. */
static int climbs(const char *path)
{
    const char *end = path + strcspn(path, "?#"), *at;

    for (at = path; at < end; at++) {
        if (*at == '/' && (at[1] == '.' || strncasecmp(at + 1, "%2e", 3) == 0))
            return 1;
    }
    return 0;
}

int kz_str_is_path_below(const char *path, const char *base)
{
    size_t len = strlen(base);
    const char *at;

    if (len == 0 || strncmp(path, base, len) != 0 || path[len] != '/' || path[1] == '/')
        return 0;
    for (at = path; *at; at++) {
        if (*at <= ' ' || *at > '~' || *at == '\\')
            return 0;
    }
    return !climbs(path);
}
