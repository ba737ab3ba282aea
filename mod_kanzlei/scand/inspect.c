/* SPDX-License-Identifier: GPL-2.0-only */
#include "inspect.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SLOTS        32768 /* sizes kept: libclamav stops after 10,000 members */
#define LEAST        6     /* bytes: libclamav opens nothing smaller, nothing so small does harm */
#define ODF_MANIFEST "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
#define ODF_CIPHER   "encryption-data" /* OpenDocument 1.3 part 2, 4.4 */
#define ODF_MOST     (4 << 20)         /* bytes of a manifest; the namespace is in its first 4096 */

/* Sizes of members, announced and opened: a hash table, empty where the size is 0. */
static struct {
    uint64_t size;
    int opened;
} members[SLOTS];
static unsigned used;

void kz_inspect_begin(kz_inspection_t *in)
{
    memset(in, 0, sizeof *in);
    if (used)
        memset(members, 0, sizeof members);
    used = 0;
}

/* The slot of SIZE, made if it is new; NULL when there are too many. */
static int *slot(kz_inspection_t *in, uint64_t size)
{
    size_t i = (size_t)(size * UINT64_C(0x9e3779b97f4a7c15) >> 49) % SLOTS;

    for (; members[i].size; i = (i + 1) % SLOTS)
        if (members[i].size == size)
            return &members[i].opened;
    if (used > SLOTS / 2) {
        in->overflow = 1;
        return NULL;
    }
    used++;
    members[i].size = size;
    return &members[i].opened;
}

static int is_archive(const char *type)
{
    return type && (!strncmp(type, "CL_TYPE_ZIP", 11) || !strcmp(type, "CL_TYPE_7Z") ||
                    !strncmp(type, "CL_TYPE_OOXML", 13));
}

static int is_program(const char *type)
{
    return type && (!strcmp(type, "CL_TYPE_MSEXE") || !strcmp(type, "CL_TYPE_ELF") ||
                    !strncmp(type, "CL_TYPE_MACHO", 13));
}

static int contains(const unsigned char *bytes, size_t length, const char *what)
{
    return memmem(bytes, length, what, strlen(what)) != NULL;
}

static void look(kz_inspection_t *in, const unsigned char *bytes, size_t length, const char *type)
{
    static const char rar[] =
        "Rar!\x1a\x07"; /* versions 1.5 to 5 and on; self-extracting: inside */

    if ((length >= 6 && !memcmp(bytes, rar, 6)) ||
        (is_program(type) && contains(bytes, length, rar)))
        in->rar = 1;
    if (kz_inspect_office(bytes, length))
        in->encrypted = 1;
    if (length <= ODF_MOST && contains(bytes, length < 4096 ? length : 4096, ODF_MANIFEST) &&
        contains(bytes, length, ODF_CIPHER))
        in->encrypted = 1;
    /* The end record alone (PKWARE APPNOTE 4.3.16), or 7z's bare header, is an empty archive. */
    if (is_archive(type) && length > 32 && memcmp(bytes, "PK\5\6", 4)) {
        if (in->container)
            in->trouble = 1;
        in->container = 1;
    }
}

void kz_inspect_layer(kz_inspection_t *in, int fd, const char *type)
{
    struct stat st;
    int *opened;
    void *bytes;

    if (type && !strncmp(type, "CL_TYPE_RAR", 11))
        in->rar = 1;
    if (fd < 0)
        return;
    if (fstat(fd, &st) || st.st_size <= 0) {
        in->trouble |= st.st_size < 0;
        return;
    }
    opened = slot(in, (uint64_t)st.st_size);
    if (opened)
        *opened = 1;
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        in->trouble = 1;
        return;
    }
    look(in, bytes, (size_t)st.st_size, type);
    munmap(bytes, (size_t)st.st_size);
}

void kz_inspect_member(kz_inspection_t *in, const char *type, uint64_t size, int encrypted)
{
    in->container = 0;
    if (encrypted)
        in->encrypted = 1;
    else if (is_archive(type) && size >= LEAST)
        slot(in, size);
}

int kz_inspect_unread(const kz_inspection_t *in)
{
    for (size_t i = 0; used && i < SLOTS; i++)
        if (members[i].size && !members[i].opened)
            return 1;
    return in->container;
}
