/* Object stores: one driver interface, and the set of all configured stores with its write quorum.
 * Objects are opaque sealed bytes under a key ("<firm>/<first two of
 * document>/<document>/<version>", characters [a-z0-9/-], at most 200); an object is never
 * overwritten. */
#ifndef KZ_IO_STORE_H
#define KZ_IO_STORE_H

#include <stddef.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

#define KZ_STORES_MAX     16                         /* stores of a set */
#define KZ_STORE_KEY_MAX  200                        /* bytes of a key */
#define KZ_STORE_IDENTITY 16                         /* bytes */
#define KZ_STORE_MARKER   "kanzleipost-installation" /* the object that binds a store */
#define KZ_STORE_PROBE    "probe/" /* keys of objects that kz_stores_try() writes, and no list has */

typedef struct kz_store_object_t kz_store_object_t; /* an open object, for ranged reads */
typedef struct kz_stores_t kz_stores_t;             /* the set; threads may share it */

/* Called for each key, in order of its bytes; an error ends the listing and is returned. */
typedef kz_err_t *(*kz_store_list_fn)(void *baton, const char *key, apr_uint64_t size);

/* The functions of a driver. Every call returns by DEADLINE (kz_clock_now()), as far as the system
 * lets it; it is made in a thread that can be left behind. NOT_FOUND where there is
 * no such object, CONFLICT where put finds the key taken by other bytes (same size and content is
 * success: put is repeatable), STORE_DOWN for everything that another try may mend, NO_SPACE,
 * INVALID for a bad key. An object that put has acknowledged survives a power cut. Several threads
 * use one DRIVER at once; FD is read by offset only. The driver allocates lasting memory from the
 * pool of open. A store without marker answers STORE_DOWN to all but get of the marker (NOT_FOUND)
 * and mark: an empty mount point must neither be filled nor believed. */
typedef kz_err_t *(*kz_store_put_fn)(void *driver, const char *key, int fd, apr_uint64_t size,
                                     apr_time_t deadline, apr_pool_t *scratch_pool);

/* An object that is put in two steps. */
typedef struct kz_store_source_t {
    const char *key;
    int fd; /* from its start, read by offset only */
    apr_uint64_t size;
    int given; /* nobody writes to FD's file any more: one store may keep it instead of a copy */
} kz_store_source_t;

typedef struct kz_store_driver_t {
    const char *scheme; /* "dir" */
    /* Errors: CONFIG. A store that can't be reached is none. */
    kz_err_t *(*open)(void **driver, const char *rest_of_url, apr_pool_t *pool);
    /* Returns 1 if both are one place, as far as it was seen. NULL: that can't be told. */
    int (*is_same)(const void *driver, const void *other);
    /* Writes the marker, TEXT, into a store that holds nothing at all, else CONFLICT. */
    kz_err_t *(*mark)(void *driver, const char *text, apr_time_t deadline,
                      apr_pool_t *scratch_pool);
    kz_store_put_fn put;
    /* put in two steps, for an object that nobody may find yet: stage writes all, under no key;
     * name gives it its key, or drop removes it again. *STAGED lives in POOL. NULL: the driver
     * can't. */
    kz_err_t *(*stage)(void **staged, void *driver, const kz_store_source_t *source,
                       apr_time_t deadline, apr_pool_t *pool);
    kz_err_t *(*name)(void *staged);
    void (*drop)(void *staged);
    kz_store_put_fn replace; /* over what is there, at once: readers see the old one or the new */
    /* The object is closed with POOL. */
    kz_err_t *(*get)(void **object, apr_uint64_t *size, void *driver, const char *key,
                     apr_time_t deadline, apr_pool_t *pool);
    /* Up to *LEN bytes from OFFSET on, at least one; 0 at and behind the end. */
    kz_err_t *(*read)(void *object, apr_uint64_t offset, void *buffer, size_t *len,
                      apr_time_t deadline);
    kz_err_t *(*head)(apr_uint64_t *size, void *driver, const char *key, apr_time_t deadline,
                      apr_pool_t *scratch_pool);
    /* Which file or object of the system the copy is, for two stores of the same kind: 16 bytes,
     * the same only if both are one. NULL: the driver never has two that are one. */
    kz_err_t *(*identify)(unsigned char id[KZ_STORE_IDENTITY], void *driver, const char *key);
    kz_err_t *(*remove)(void *driver, const char *key, apr_time_t deadline, /* absent: success */
                        apr_pool_t *scratch_pool);
    kz_err_t *(*list)(void *driver, const char *prefix, kz_store_list_fn each, void *baton,
                      apr_time_t deadline, apr_pool_t *scratch_pool);
    /* Removes the unfinished writes (of KEY, unless that is NULL) from before the time BEFORE (of
     * the day: files have it).
     * NULL: there can be none. */
    kz_err_t *(*sweep)(void *driver, const char *key, apr_time_t before, apr_time_t deadline,
                       apr_pool_t *scratch_pool);
} kz_store_driver_t;

/* Adds a driver ("dir" is there). Not while other threads run. DRIVER must live on. */
kz_err_t *kz_stores_register(const kz_store_driver_t *driver);

/* INVALID unless KEY is a good one: [a-z0-9/-], no empty part, at most KZ_STORE_KEY_MAX. */
kz_err_t *kz_store_key_check(const char *key);

/* --- the set --- */

/* The place of a store, as the operator has configured it. */
typedef struct kz_store_place_t {
    const char *name; /* a short word; object_copy rows name the store by it */
    const char *url;  /* "dir:/var/lib/kanzleipost/store-1" */
} kz_store_place_t;

/* Opens the COUNT stores at PLACES. A write needs QUORUM of them. Reads the marker object: a store
 * that belongs to another INSTALLATION (a UUID) is refused with CONFIG, and so is one that is the
 * same place as another; a store that can't be reached or has no marker is no error, it is down
 * until it can be and has. Never writes a marker: see kz_stores_initialise. May be called before
 * fork, but a child does not use the parent's set: a store that hung there would count as down for
 * ever. POOL's end closes the set. */
kz_err_t *kz_stores_open(kz_stores_t **stores, const kz_store_place_t *places, int count,
                         int quorum, const char *installation, apr_pool_t *pool);

/* First use, and a store added later: writes the marker into every store that is reachable and
 * entirely empty (a folder must exist). Only ever called because an operator has said so: a disk
 * that is not mounted looks just like that. Stores with the right marker stay as they are. All are
 * tried, the first error is returned: CONFIG (another installation's, or something in it but no
 * marker), STORE_DOWN, NO_SPACE. */
kz_err_t *kz_stores_initialise(kz_stores_t *stores, apr_time_t deadline, apr_pool_t *scratch_pool);

int kz_stores_count(const kz_stores_t *stores);
const char *kz_stores_name(const kz_stores_t *stores, int index);

/* Asks store INDEX now. NULL: its marker can be read and is right. Errors: STORE_DOWN, CONFIG
 * (another installation's). */
kz_err_t *kz_stores_check(kz_stores_t *stores, int index, apr_time_t deadline,
                          apr_pool_t *scratch_pool);
/* The same, and writes a small object there and removes it: a store that can be read only is not
 * good. Errors: STORE_DOWN, CONFIG, NO_SPACE. */
kz_err_t *kz_stores_try(kz_stores_t *stores, int index, apr_time_t deadline,
                        apr_pool_t *scratch_pool);
/* The known state of store INDEX, without asking it: 1 if the last call went well; else 0, and WHY
 * (SIZE bytes) is its error, for the log and the operator's status. */
int kz_stores_health(char *why, size_t size, kz_stores_t *stores, int index);

/* Puts the object to all stores at once (a thread each), from FD's start; FD's offset is not used.
 * HELD[i] becomes 1 where store i has it. Once the quorum has it, the others get as much time
 * again, at least a second; a store whose thread hangs longer counts as down until it ends. Errors:
 * STORE_DOWN when fewer than the quorum do, CONFLICT when that is because a store holds other bytes
 * under KEY; HELD is valid then too. */
kz_err_t *kz_stores_put(unsigned char *held, kz_stores_t *stores, const char *key, int fd,
                        apr_uint64_t size, apr_time_t deadline);

/* The same in two steps, for an object that nobody may find yet: begin returns while all stores are
 * writing; nothing is there under SOURCE's key before settle is called, which then ends as
 * kz_stores_put. DEADLINE of begin is for both, that of settle for the rest. WRITE ends with settle
 * or drop, or is dropped with POOL. */
typedef struct kz_stores_write_t kz_stores_write_t;
kz_err_t *kz_stores_begin(kz_stores_write_t **write, kz_stores_t *stores,
                          const kz_store_source_t *source, apr_time_t deadline, apr_pool_t *pool);
kz_err_t *kz_stores_settle(unsigned char *held, kz_stores_write_t *write, apr_time_t deadline);
/* Removes all of it; a store that does not answer within a second is left behind. */
void kz_stores_drop(kz_stores_write_t *write);

/* Opens the object at the first healthy store that has it; a read that fails goes on at the next
 * store, at the same offset, unseen by the caller. A store that has failed or was slow is asked
 * last for 5 seconds, also by an object that is being read. Errors: NOT_FOUND when every store
 * answered and none has it, STORE_DOWN. */
kz_err_t *kz_stores_get(kz_store_object_t **object, apr_uint64_t *size, kz_stores_t *stores,
                        const char *key, apr_time_t deadline, apr_pool_t *pool);
/* Fits kz_seal_source_t (baton: the object). Each call waits at most the set's read time-out, 10 s.
 */
kz_err_t *kz_stores_read(void *object, apr_uint64_t offset, void *buffer, size_t *len);
/* Which store OBJECT is read from now. */
int kz_stores_source(const kz_store_object_t *object);
/* Whether store INDEX was asked for OBJECT and, though it is this installation's, has none. */
int kz_stores_missed(const kz_store_object_t *object, int index);
/* The bytes that OBJECT gave are wrong (the seal doesn't open): turns to the next store that has
 * it, for the reads that follow. Errors: STORE_CORRUPT when no other store has it, STORE_DOWN. */
kz_err_t *kz_stores_next(kz_store_object_t *object);

/* For repair and checks: one store of the set, by index. Waits at most the set's read time-out. */
kz_err_t *kz_stores_get_from(kz_store_object_t **object, apr_uint64_t *size, kz_stores_t *stores,
                             int index, const char *key, apr_pool_t *pool);
kz_err_t *kz_stores_head(apr_uint64_t *size, kz_stores_t *stores, int index, const char *key,
                         apr_time_t deadline, apr_pool_t *scratch_pool);
/* Whether the copies of KEY in two stores are one and the same file, so that a fault of the disk
 * takes both. Errors: NOT_FOUND, STORE_DOWN. */
kz_err_t *kz_stores_same(int *same, kz_stores_t *stores, int one, int other, const char *key);
/* Replaces the damaged or missing copy of KEY in store INDEX by the good copy of store FROM,
 * through a temporary file in the folder SPOOL (sealed bytes). The copy is not checked. Errors:
 * INVALID (FROM is INDEX, or no store), NOT_FOUND, STORE_DOWN, NO_SPACE. */
kz_err_t *kz_stores_replace(kz_stores_t *stores, int index, int from, const char *key,
                            const char *spool, apr_time_t deadline);
/* Removes the object from every store; all are tried, the first error is returned. */
kz_err_t *kz_stores_remove(kz_stores_t *stores, const char *key, apr_time_t deadline,
                           apr_pool_t *scratch_pool);
/* Each object of store INDEX whose key starts with PREFIX ("" for all), without the marker. */
kz_err_t *kz_stores_list(kz_stores_t *stores, int index, const char *prefix, kz_store_list_fn each,
                         void *baton, apr_time_t deadline);
/* Removes unfinished writes that are older than a day from every store. Once a day is enough. */
kz_err_t *kz_stores_sweep(kz_stores_t *stores, apr_time_t deadline, apr_pool_t *scratch_pool);
/* The same for KEY alone, at once: for callers that know that nobody else writes it, or that a
 * writer may be disturbed. */
kz_err_t *kz_stores_sweep_key(kz_stores_t *stores, const char *key, apr_time_t deadline,
                              apr_pool_t *scratch_pool);

#endif
