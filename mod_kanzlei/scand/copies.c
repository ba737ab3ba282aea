/* SPDX-License-Identifier: GPL-2.0-only */
#include "copies.h"

#include <stdlib.h>

unsigned char *kz_copies_room(kz_copies_t *copies, size_t length)
{
    unsigned char *room = NULL;

    if (copies->count < KZ_COPIES && length <= copies->left)
        room = malloc(length ? length : 1);
    if (!room)
        copies->full = 1;
    return room;
}

void kz_copies_add(kz_copies_t *copies, unsigned char *bytes, size_t length)
{
    copies->left -= length < copies->left ? length : copies->left;
    copies->bytes[copies->count] = bytes;
    copies->length[copies->count++] = length;
}

void kz_copies_free(kz_copies_t *copies)
{
    for (size_t i = 0; i < copies->count; i++)
        free(copies->bytes[i]);
    copies->count = 0;
}
