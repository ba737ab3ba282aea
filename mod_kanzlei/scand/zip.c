/* SPDX-License-Identifier: GPL-2.0-only
 *
 * ZIP (PKWARE APPNOTE 6.3.10). Some unpackers read the directory at the end, others go from one
 * member to the next, and all find an archive behind other bytes. So every local header, wherever
 * it stands, is a member that libclamav must have opened; and what the directory says of a member
 * must be what its local header says. */
#include "members.h"

#include <stdlib.h>
#include <string.h>

#define LOCAL        30    /* bytes of a local header, 4.3.7 */
#define CENTRAL      46    /* of an entry of the directory, 4.3.12 */
#define END          22    /* of the end record, 4.3.16 */
#define TAIL         65535 /* of its comment, at most */
#define ENCRYPTED    0x0001
#define STREAMED     0x0008 /* sizes stand behind the data, 4.4.4 bit 3 */
#define STORED       0
#define DEFLATED     8
#define BZIP2        12
#define SMALL        0xffffffffu /* the number is in the ZIP64 extra field, 4.5.3 */
#define MEMBERS_MOST 32768

typedef struct member_t {
    size_t at; /* of the local header */
    unsigned flags, method, name_length, extra_length;
    uint64_t packed, size;
    uint64_t local; /* in the directory: where the local header is said to be, in the layer */
    const unsigned char *name;
} member_t;

/* What is known of a layer while it is looked at. */
typedef struct zip_t {
    kz_inspection_t *in;
    const unsigned char *bytes;
    size_t length;
    int whole;         /* 1: it is a ZIP archive from its first byte on */
    int loose;         /* 1: part of an old Office file, which cuts a ZIP into records */
    member_t *entries; /* of the directory, by LOCAL */
    size_t count;
    uint64_t base; /* what stands before the archive, by the end record */
} zip_t;

static int is(const unsigned char *p, const char *signature)
{
    return memcmp(p, signature, 4) == 0;
}

/* Reads the numbers that the ZIP64 extra field has in place of those that are full. */
static void zip64(member_t *member, const unsigned char *extra)
{
    uint64_t *const numbers[] = {&member->size, &member->packed, &member->local};
    size_t at = 0;

    while (at + 4 <= member->extra_length) {
        size_t end = at + 4 + kz_u16(extra + at + 2);

        if (end > member->extra_length)
            return;
        if (kz_u16(extra + at) == 0x0001) {
            at += 4;
            for (size_t i = 0; i < 3; i++) {
                if (*numbers[i] != SMALL || at + 8 > end)
                    continue;
                *numbers[i] = kz_u64(extra + at);
                at += 8;
            }
            return;
        }
        at = end;
    }
}

/* Reads the local header at AT; 0 if it is cut off. */
static int read_local(member_t *member, const zip_t *zip, size_t at)
{
    const unsigned char *p = zip->bytes + at;

    if (zip->length - at < LOCAL)
        return 0;
    *member = (member_t){.at = at, .flags = kz_u16(p + 6), .method = kz_u16(p + 8)};
    member->packed = kz_u32(p + 18);
    member->size = kz_u32(p + 22);
    member->name_length = kz_u16(p + 26);
    member->extra_length = kz_u16(p + 28);
    member->name = p + LOCAL;
    if (zip->length - at - LOCAL < (size_t)member->name_length + member->extra_length)
        return 0;
    zip64(member, p + LOCAL + member->name_length);
    return 1;
}

/* Reads the directory's entry at AT and moves AT behind it; 0 if there is none before END. */
static int read_entry(member_t *member, const zip_t *zip, size_t *at, size_t end)
{
    const unsigned char *p = zip->bytes + *at;

    if (*at > end || end - *at < CENTRAL || !is(p, "PK\1\2"))
        return 0;
    *member = (member_t){.flags = kz_u16(p + 8), .method = kz_u16(p + 10)};
    member->packed = kz_u32(p + 20);
    member->size = kz_u32(p + 24);
    member->name_length = kz_u16(p + 28);
    member->extra_length = kz_u16(p + 30);
    member->local = kz_u32(p + 42);
    member->name = p + CENTRAL;
    if (end - *at - CENTRAL < (size_t)member->name_length + member->extra_length + kz_u16(p + 32))
        return 0;
    zip64(member, p + CENTRAL + member->name_length);
    *at += CENTRAL + member->name_length + member->extra_length + kz_u16(p + 32);
    return 1;
}

/* Where the last end record is; LENGTH if there is none where unpackers look for it. */
static size_t find_end(const zip_t *zip)
{
    size_t at = zip->length >= END ? zip->length - END + 1 : 0;
    size_t last = zip->length > END + TAIL ? zip->length - END - TAIL : 0;

    while (at > last) {
        if (is(zip->bytes + --at, "PK\5\6"))
            return at;
    }
    return zip->length;
}

static int keep_entry(zip_t *zip, const member_t *entry)
{
    member_t *more;

    if (zip->count >= MEMBERS_MOST) {
        zip->in->overflow = 1;
        return 0;
    }
    if (zip->count % 256 == 0) {
        more = realloc(zip->entries, (zip->count + 256) * sizeof *more);
        if (!more) {
            zip->in->trouble = 1;
            return 0;
        }
        zip->entries = more;
    }
    zip->entries[zip->count++] = *entry;
    return 1;
}

/* Reads the directory before the end record at AT. Returns 1 if it is one, to the last byte. */
static int read_directory(zip_t *zip, size_t at)
{
    const unsigned char *p = zip->bytes + at;
    uint64_t size = kz_u32(p + 12), start = kz_u32(p + 16), entries = kz_u16(p + 10);
    size_t end = at, from;
    member_t entry;

    /* ZIP64's end record and its locator stand in between: 4.3.14, 4.3.15. */
    if (at >= 76 && is(p - 20, "PK\6\7") && is(p - 76, "PK\6\6")) {
        end = at - 76;
        entries = kz_u64(p - 76 + 32);
        size = kz_u64(p - 76 + 40);
        start = kz_u64(p - 76 + 48);
    }
    if (size > end || start > end - size)
        return 0;
    from = end - size;
    zip->base = from - start;
    while (read_entry(&entry, zip, &from, end)) {
        if (!keep_entry(zip, &entry))
            return 0;
    }
    return from == end && zip->count == entries;
}

static int by_place(const void *a, const void *b)
{
    const member_t *one = a, *other = b;

    return (one->local > other->local) - (one->local < other->local);
}

/* Puts the entries in order: whoever looks for one, and that may be millions, finds it soon. */
static void order_entries(zip_t *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        zip->entries[i].local += zip->base;
    if (zip->count > 0)
        qsort(zip->entries, zip->count, sizeof *zip->entries, by_place);
}

/* The directory's entry of the member at AT; NULL: none. */
static const member_t *entry_of(const zip_t *zip, size_t at)
{
    const member_t wanted = {.local = at};

    if (zip->count == 0)
        return NULL;
    return bsearch(&wanted, zip->entries, zip->count, sizeof wanted, by_place);
}

/* Whether both sides would unpack the same. */
static int agree(const member_t *local, const member_t *entry)
{
    if (local->method != entry->method || (local->flags ^ entry->flags) & ENCRYPTED ||
        local->name_length != entry->name_length ||
        memcmp(local->name, entry->name, local->name_length) != 0)
        return 0;
    return local->flags & STREAMED ||
           (local->packed == entry->packed && local->size == entry->size);
}

/* A member that is damaged or cut off. Inside an old Office file that is what every longer drawing
 * looks like: the headers of records stand between its bytes. */
static void damaged(zip_t *zip)
{
    if (!zip->loose)
        zip->in->trouble = 1;
}

static int is_known(unsigned method)
{
    return method <= 20 || (method >= 93 && method <= 99);
}

/* Needs what the member at MEMBER->at holds. */
static void need(zip_t *zip, const member_t *member, const member_t *entry)
{
    size_t from = member->at + LOCAL + member->name_length + member->extra_length;
    const unsigned char *bytes = zip->bytes + from;
    uint64_t room = zip->length - from, packed = member->packed, made;
    size_t taken;

    if (member->flags & STREAMED && entry)
        packed = entry->packed;
    if (member->flags & STREAMED && !entry && member->method == STORED) {
        zip->in->unsupported = 1; /* how long it is stands nowhere */
    } else if (member->method == STORED) {
        if (packed > room)
            damaged(zip);
        else
            kz_seen_needed(zip->in, bytes, packed);
    } else if (member->method == DEFLATED || member->method == BZIP2) {
        if (!(member->flags & STREAMED) || entry)
            room = packed < room ? packed : room;
        taken = kz_unpack(&made, zip->in, member->method == BZIP2 ? KZ_BZIP2_ONE : KZ_DEFLATE,
                          bytes, room);
        if (!taken && room > 0)
            damaged(zip);
    } else {
        zip->in->unsupported = 1;
    }
}

/* Four bytes that look like a header are none if no unpacker could make something of them. */
static void look_at(zip_t *zip, size_t at)
{
    const member_t *entry = entry_of(zip, at);
    member_t member;

    if (!read_local(&member, zip, at) || (!is_known(member.method) && !entry))
        return;
    if (member.flags & ENCRYPTED)
        zip->in->encrypted = 1;
    else
        need(zip, &member, entry);
}

/* What the directory says of each member is what its local header says. */
static void check_entries(zip_t *zip)
{
    for (size_t i = 0; i < zip->count; i++) {
        uint64_t at = zip->entries[i].local;
        member_t member;

        if (at > zip->length - 4 || !is(zip->bytes + at, "PK\3\4"))
            zip->in->trouble |= zip->whole;
        else if (!read_local(&member, zip, at) || !agree(&member, &zip->entries[i]))
            zip->in->unsupported = 1;
    }
}

/* An archive from the first byte on has its directory at its end. */
static void check_whole(zip_t *zip, size_t end, int directory)
{
    if (end == zip->length || !directory ||
        end + END + kz_u16(zip->bytes + end + 20) != zip->length)
        zip->in->trouble = 1;
    else if (zip->base != 0)
        zip->in->unsupported = 1;
}

void kz_inspect_zip(kz_inspection_t *in, const kz_layer_t *layer, int loose)
{
    zip_t zip = {.in = in, .bytes = layer->bytes, .length = layer->length, .loose = loose};
    const unsigned char *at = layer->bytes, *last = layer->bytes + layer->length;
    int directory;
    size_t end;

    if (layer->length < END)
        return;
    zip.whole = memcmp(at, "PK\3\4", 4) == 0 || memcmp(at, "PK\5\6", 4) == 0;
    end = find_end(&zip);
    directory = end < zip.length && read_directory(&zip, end);
    order_entries(&zip);
    if (zip.whole)
        check_whole(&zip, end, directory);
    check_entries(&zip);
    while ((at = memmem(at, (size_t)(last - at), "PK\3\4", 4)) && !in->overflow && !in->late) {
        look_at(&zip, (size_t)(at - layer->bytes));
        at += 4;
    }
    free(zip.entries);
}
