/* One character of UTF-8, for the files str*.c and text*.c. */
#ifndef KZ_BASE_STR_UTF8_H
#define KZ_BASE_STR_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads the character at the start of LEN > 0 bytes (RFC 3629 section 4). Returns how many bytes it
 * takes, 0 if they are not UTF-8. */
static inline size_t kz_str__utf8_next(uint32_t *character, const char *text, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = byte[0] < 0x80 ? 1 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;

    if (size == 1) {
        *character = byte[0];
        return 1;
    }
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || size > len)
        return 0;
    *character = byte[0] & (0x7f >> size);
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (byte[i] & 0x3f);
    }
    if (*character < least[size] || *character > 0x10ffff ||
        (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return size;
}

#endif
