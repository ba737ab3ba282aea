#include "template/value.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"

#define FIRST 16 /* places in a new list or object */

uint32_t kz_value_hash(const char *name, apr_size_t len)
{
    uint32_t hash = 2166136261u; /* FNV-1a, 32 bits (draft-eastlake-fnv-17, section 2) */

    for (apr_size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

kz_value_t kz_value_object(apr_pool_t *pool)
{
    return (kz_value_t){.kind = KZ_VALUE_OBJECT,
                        .object = apr_pcalloc(pool, sizeof(kz_value_object_t))};
}

kz_value_t kz_value_list(apr_pool_t *pool)
{
    return (kz_value_t){.kind = KZ_VALUE_LIST, .list = apr_pcalloc(pool, sizeof(kz_value_list_t))};
}

kz_value_t kz_value_text(const char *text, apr_size_t len, apr_pool_t *pool)
{
    if (!kz_str_is_utf8(text, len))
        return (kz_value_t){0};
    return (kz_value_t){.kind = KZ_VALUE_TEXT, .len = len, .text = apr_pstrmemdup(pool, text, len)};
}

/* ROOM for COUNT things of ITEM bytes each, and as many again when it is full. The outgrown room
 * stays in the pool: in sum less than the room in use. */
static void *grow(void *room, int count, int *size, apr_size_t item, apr_pool_t *pool)
{
    void *larger;

    if (count < *size)
        return room;
    *size = *size ? 2 * *size : FIRST;
    larger = apr_palloc(pool, (apr_size_t)*size * item);
    if (count)
        memcpy(larger, room, (apr_size_t)count * item);
    return larger;
}

/* The bit of a name in the filter of OBJECT: bits 0 to 5 of HASH within a word, 6 and 7 say which.
 */
static int may_have(const kz_value_object_t *object, uint32_t hash)
{
    return (int)(object->names[hash >> 6 & 3] >> (hash & 63) & 1);
}

static kz_value_member_t *find_member(const kz_value_object_t *object, const char *name,
                                      apr_size_t len, uint32_t hash)
{
    kz_value_member_t *member = object->members, *end = member + object->count;

    if (!may_have(object, hash))
        return NULL;
    for (; member < end; member++)
        if (member->hash == hash && member->len == len && memcmp(member->name, name, len) == 0)
            return member;
    return NULL;
}

kz_value_t *kz_value_member(kz_value_object_t *object, const char *name, apr_pool_t *pool)
{
    const kz_value_object_t *like = object->like;
    kz_value_member_t made = {.name = name}, *member;

    if (like && object->count < like->count && like->members[object->count].name == name) {
        made.hash = like->members[object->count].hash;
        made.len = like->members[object->count].len;
    } else {
        made.len = (uint32_t)strlen(name);
        made.hash = kz_value_hash(name, made.len);
    }
    member = find_member(object, name, made.len, made.hash);
    if (member)
        return &member->value;
    object->members =
        grow(object->members, object->count, &object->size, sizeof *object->members, pool);
    member = &object->members[object->count++];
    *member = made;
    object->names[made.hash >> 6 & 3] |= UINT64_C(1) << (made.hash & 63);
    return &member->value;
}

kz_value_t *kz_value_append(kz_value_list_t *list, apr_pool_t *pool)
{
    list->items = grow(list->items, list->count, &list->size, sizeof *list->items, pool);
    list->items[list->count] = (kz_value_t){0};
    return &list->items[list->count++];
}

kz_value_t kz_value_row(kz_value_list_t *list, apr_pool_t *pool)
{
    const kz_value_t *before = list->count ? &list->items[list->count - 1] : NULL;
    kz_value_t row = kz_value_object(pool);

    if (before && before->kind == KZ_VALUE_OBJECT) {
        row.object->like = before->object;
        row.object->size = before->object->size;
        row.object->members =
            apr_palloc(pool, (apr_size_t)row.object->size * sizeof *row.object->members);
    }
    *kz_value_append(list, pool) = row;
    return row;
}

const kz_value_t *kz_value_get(const kz_value_t *value, const char *name, apr_size_t len,
                               uint32_t hash)
{
    kz_value_member_t *member;

    if (!value || value->kind != KZ_VALUE_OBJECT)
        return NULL;
    member = find_member(value->object, name, len, hash);
    return member ? &member->value : NULL;
}

const kz_value_t *kz_value_named(const kz_value_t *value, const char *name)
{
    apr_size_t len = strlen(name);

    return kz_value_get(value, name, len, kz_value_hash(name, len));
}

static json_t *json_of_list(const kz_value_list_t *list)
{
    json_t *json = json_array();

    for (int i = 0; i < list->count; i++)
        json_array_append_new(json, kz_value_json(&list->items[i]));
    return json;
}

static json_t *json_of_object(const kz_value_object_t *object)
{
    json_t *json = json_object();

    for (int i = 0; i < object->count; i++) {
        const kz_value_member_t *member = &object->members[i];

        json_object_setn_new(json, member->name, member->len, kz_value_json(&member->value));
    }
    return json;
}

json_t *kz_value_json(const kz_value_t *value)
{
    switch (value ? value->kind : KZ_VALUE_NULL) {
    case KZ_VALUE_FALSE:
        return json_false();
    case KZ_VALUE_TRUE:
        return json_true();
    case KZ_VALUE_INTEGER:
        return json_integer(value->integer);
    case KZ_VALUE_REAL:
        return json_real(value->real);
    case KZ_VALUE_TEXT:
        return json_stringn(value->text, value->len);
    case KZ_VALUE_LIST:
        return json_of_list(value->list);
    case KZ_VALUE_OBJECT:
        return json_of_object(value->object);
    case KZ_VALUE_NULL:
        break;
    }
    return json_null();
}

static kz_value_t list_from_json(const json_t *json, apr_pool_t *pool)
{
    kz_value_t made = kz_value_list(pool);
    json_t *item;
    size_t i;

    json_array_foreach(json, i, item)
    {
        *kz_value_append(made.list, pool) = kz_value_from_json(item, pool);
    }
    return made;
}

static kz_value_t object_from_json(const json_t *json, apr_pool_t *pool)
{
    kz_value_t made = kz_value_object(pool), member;
    json_t *value, *object = (json_t *)json; /* only read: json_object_foreach() can't say so */
    const char *name;

    json_object_foreach(object, name, value)
    {
        member = kz_value_from_json(value, pool);
        *kz_value_member(made.object, apr_pstrdup(pool, name), pool) = member;
    }
    return made;
}

kz_value_t kz_value_from_json(const json_t *json, apr_pool_t *pool)
{
    if (json_is_object(json))
        return object_from_json(json, pool);
    if (json_is_array(json))
        return list_from_json(json, pool);
    if (json_is_string(json))
        return kz_value_text(json_string_value(json), json_string_length(json), pool);
    if (json_is_integer(json))
        return (kz_value_t){.kind = KZ_VALUE_INTEGER, .integer = json_integer_value(json)};
    if (json_is_real(json))
        return (kz_value_t){.kind = KZ_VALUE_REAL, .real = json_real_value(json)};
    if (json_is_boolean(json))
        return (kz_value_t){.kind = json_is_true(json) ? KZ_VALUE_TRUE : KZ_VALUE_FALSE};
    return (kz_value_t){0};
}
