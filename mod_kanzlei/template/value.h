/* Trees of names and values in a pool, which templates read. A page of 50 rows has about 1,500
 * values, so that none is allocated alone and a name is found by its hash. JSON comes in and goes
 * out by jansson. */
#ifndef KZ_TEMPLATE_VALUE_H
#define KZ_TEMPLATE_VALUE_H

#include <stdint.h>

#include <apr_pools.h>
#include <jansson.h>

typedef enum kz_value_kind_t {
    KZ_VALUE_NULL, /* all zero is null */
    KZ_VALUE_FALSE,
    KZ_VALUE_TRUE,
    KZ_VALUE_INTEGER,
    KZ_VALUE_REAL,
    KZ_VALUE_TEXT,
    KZ_VALUE_LIST,
    KZ_VALUE_OBJECT,
} kz_value_kind_t;

typedef struct kz_value_list_t kz_value_list_t;
typedef struct kz_value_object_t kz_value_object_t;

typedef struct kz_value_t {
    kz_value_kind_t kind;
    apr_size_t len; /* of text, in bytes */
    union {
        apr_int64_t integer;
        double real;
        const char *text; /* UTF-8; not ended by NUL, perhaps */
        kz_value_list_t *list;
        kz_value_object_t *object;
    };
} kz_value_t;

struct kz_value_list_t {
    kz_value_t *items;
    int count;
    int size; /* of items */
};

typedef struct kz_value_member_t {
    uint32_t hash;
    uint32_t len; /* of name */
    const char *name;
    kz_value_t value;
} kz_value_member_t;

struct kz_value_object_t {
    kz_value_member_t *members; /* in the order in which they were set first */
    int count;
    int size;                      /* of members */
    uint64_t names[4];             /* a Bloom filter of the members' hashes: most names that are
                                    * looked for in a row are not there */
    const kz_value_object_t *like; /* the row before, which most likely has the same names in the
                                    * same order; or NULL */
};

uint32_t kz_value_hash(const char *name, apr_size_t len);

/* An object or list without anything in it, in memory of POOL. */
kz_value_t kz_value_object(apr_pool_t *pool);
kz_value_t kz_value_list(apr_pool_t *pool);

/* A copy of LEN bytes of TEXT; null if they are not UTF-8. */
kz_value_t kz_value_text(const char *text, apr_size_t len, apr_pool_t *pool);

/* The place of NAME, which must live as long as POOL, in an object; null and new when it was not
 * there. Good until the next call for this object. */
kz_value_t *kz_value_member(kz_value_object_t *object, const char *name, apr_pool_t *pool);

/* A new place, null, at the end of a list. Good until the next call for this list. */
kz_value_t *kz_value_append(kz_value_list_t *list, apr_pool_t *pool);

/* A new object at the end of a list: quicker to fill when it gets the names of the one before it,
 * as the same literals, in the same order. */
kz_value_t kz_value_row(kz_value_list_t *list, apr_pool_t *pool);

/* The member NAME, whose hash is HASH, of VALUE; NULL if there is none, or VALUE is no object. */
const kz_value_t *kz_value_get(const kz_value_t *value, const char *name, apr_size_t len,
                               uint32_t hash);
/* The same by a name that ends with NUL. */
const kz_value_t *kz_value_named(const kz_value_t *value, const char *name);

/* The same tree as JSON, for the caller to json_decref(); NULL stands for null. */
json_t *kz_value_json(const kz_value_t *value);
/* And from JSON, which is borrowed and copied; NULL becomes null. */
kz_value_t kz_value_from_json(const json_t *json, apr_pool_t *pool);

#endif
