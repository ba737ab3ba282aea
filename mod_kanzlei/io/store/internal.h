/* Shared by the files of this folder: one store of a set, its health, and the threads that write.
 */
#ifndef KZ_IO_STORE_INTERNAL_H
#define KZ_IO_STORE_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "io/store/store.h"

#define KZ_STORE_SHUN         apr_time_from_sec(5) /* for so long a store that failed is asked last */
#define KZ_STORE_SLOW         apr_time_from_sec(2)  /* a read that takes longer is a failure, too */
#define KZ_STORE_READ_TIMEOUT apr_time_from_sec(10) /* of kz_stores_read */
#define KZ_STORE_GRACE        apr_time_from_sec(1)  /* for the others after the quorum */
#define KZ_STORE_LEFTOVER     apr_time_from_sec(86400) /* age of temporary files to be swept */

/* One store. Threads that were left behind hold it, too: it lives in memory of its own and ends
 * with the last of its users. */
typedef struct kz_store__one_t {
    apr_pool_t *pool; /* unmanaged: of this store alone */
    const kz_store_driver_t *driver;
    void *instance;
    const char *name, *installation;
    pthread_mutex_t lock; /* of all below */
    int users;            /* the set, and each thread */
    int behind;           /* threads that nobody waits for any more */
    int stuck;            /* those of them that read: while there is one, none is added */
    int verified;         /* the marker was read and is right */
    apr_time_t shun;      /* until then (kz_clock_now) it is asked last */
    char trouble[256];    /* the last error, "" if there was none */
} kz_store__one_t;

struct kz_stores_t {
    kz_store__one_t *one[KZ_STORES_MAX];
    int count, quorum;
    apr_interval_time_t grace; /* for the other stores after the quorum; KZ_STORE_GRACE */
};

/* NULL, or STORE_DOWN when DEADLINE has passed. */
kz_err_t *kz_store__in_time(apr_time_t deadline);
/* errno as an error: NO_SPACE, else STORE_DOWN. */
kz_err_t *kz_store__io_error(int number, const char *what, const char *path);

/* Reads the marker unless that was done. Like the next two it asks in this thread, without a bound:
 * call it in a kz_store__ask_fn. Errors: STORE_DOWN, CONFIG. */
kz_err_t *kz_store__verify(kz_store__one_t *one, apr_time_t deadline, apr_pool_t *scratch_pool);
/* Reads the marker in any case: before something is written, removed or called missing, because
 * another disk may have been put in the place of the store without any error. */
kz_err_t *kz_store__verify_anew(kz_store__one_t *one, apr_time_t deadline,
                                apr_pool_t *scratch_pool);
/* Reads the marker. NOT_FOUND: there is none. */
kz_err_t *kz_store__marker(kz_store__one_t *one, apr_time_t deadline, apr_pool_t *scratch_pool);
/* Notes how a call ended, names the store in the error, and gives it back. */
kz_err_t *kz_store__note(kz_store__one_t *one, kz_err_t *err);
void kz_store__slow(kz_store__one_t *one, apr_time_t took);
/* Is it to be asked last? */
int kz_store__shunned(kz_store__one_t *one);
void kz_store__hold(kz_store__one_t *one);
void kz_store__release(kz_store__one_t *one);
/* INVALID unless INDEX and KEY are good. */
kz_err_t *kz_store__arguments(const kz_stores_t *stores, int index, const char *key);

/* --- ask.c --- */

/* What a call of a driver takes and gives. It is copied to the call's thread and back. */
typedef struct kz_store__ask_t {
    char key[KZ_STORE_KEY_MAX + 1]; /* or a prefix */
    apr_time_t deadline;
    apr_time_t before;             /* of sweeping */
    apr_uint64_t size;             /* of the object */
    void *handle;                  /* of an open object, in the call's pool */
    apr_uint64_t offset;           /* of a read */
    void *buffer;                  /* of a read, in the call's pool */
    size_t len;                    /* bytes that it takes, and that it got */
    int missed;                    /* the store is this installation's, and has no such object */
    struct kz_store__feed_t *feed; /* of a listing */
    unsigned char id[KZ_STORE_IDENTITY];
} kz_store__ask_t;

/* Calls the driver of ONE, in the call's own thread; POOL is that thread's. */
typedef kz_err_t *(*kz_store__ask_fn)(kz_store__one_t *one, kz_store__ask_t *what,
                                      apr_pool_t *pool);
typedef struct kz_store__call_t kz_store__call_t;

/* Begins ASK in a thread of its own. POOL is unmanaged and becomes the call's; NULL: it gets one.
 * Where no thread is to be had, all but a listing is done in this one, without a bound. Errors:
 * STORE_DOWN (earlier calls hang, or no thread for a listing), INTERNAL; POOL stays the caller's
 * then. */
kz_err_t *kz_store__ask_begin(kz_store__call_t **call, kz_store__one_t *one, kz_store__ask_fn ask,
                              const kz_store__ask_t *what, apr_pool_t *pool);
/* Waits for its end until DEADLINE, and gives back WHAT and *POOL, which the caller
 * destroys. A thread that hangs is left behind, with the pool: STORE_DOWN, *POOL is NULL, WHAT
 * unchanged. */
kz_err_t *kz_store__ask_end(apr_pool_t **pool, kz_store__ask_t *what, kz_store__call_t *call,
                            apr_time_t deadline);
/* Both, until WHAT's deadline, for what leaves nothing in the pool. */
kz_err_t *kz_store__ask(kz_store__one_t *one, kz_store__ask_fn ask, kz_store__ask_t *what);
/* Starts a detached thread that gets no signals: those are for the program's own threads. Returns
 * 0, or an errno. */
int kz_store__thread(void *(*run)(void *), void *baton);
/* A thread is left behind: this library stays in memory, though httpd unloads it at a restart. */
void kz_store__stay_loaded(void);

/* --- keep.c --- */

kz_err_t *kz_store__remove_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool);

/* --- write.c --- */

typedef struct kz_store__write_t {
    const char *key;
    int fd;
    apr_uint64_t size;
    int replace; /* over what is there */
    int staged;  /* gets its name later, when the caller says so */
    int given;   /* one store may keep FD's own file */
    apr_time_t deadline;
} kz_store__write_t;

/* Writes to each store of MASK at once; ERRS[i] becomes the error of store i, which the caller
 * owns, or NULL. Comes back when all have ended, or at the deadline, or when QUORUM of them have
 * succeeded and the grace for the others is over. */
kz_err_t *kz_store__write(kz_err_t **errs, kz_stores_t *stores, unsigned mask, int quorum,
                          const kz_store__write_t *write);

/* The same in two steps: a staged write waits for GATE; the others are awaited until DEADLINE. */
typedef enum kz_store__gate_t { KZ_STORE_SHUT, KZ_STORE_OPEN, KZ_STORE_DROPPED } kz_store__gate_t;
typedef struct kz_store__job_t kz_store__job_t;
kz_err_t *kz_store__write_begin(kz_store__job_t **job, const kz_stores_t *stores, unsigned mask,
                                const kz_store__write_t *write);
void kz_store__write_end(kz_err_t **errs, kz_store__job_t *job, const kz_stores_t *stores,
                         int quorum, kz_store__gate_t gate, apr_time_t deadline);

/* --- read.c --- */

/* Opens the object at the first of the stores in MASK that has it. */
kz_err_t *kz_store__open(kz_store_object_t **object, kz_stores_t *stores, unsigned mask,
                         const char *key, apr_time_t deadline, apr_pool_t *pool);
apr_uint64_t kz_store__size(const kz_store_object_t *object);

/* --- dir.c, dir_write.c, dir_copy.c, dir_list.c: the driver --- */

extern const kz_store_driver_t kz_store__dir;

typedef struct kz_store__dir_t {
    const char *root;
    _Atomic(dev_t) device; /* where the folder was when it was first seen */
    _Atomic(ino_t) inode;  /* its own; 0: not seen yet */
} kz_store__dir_t;

#define KZ_STORE_TEMPORARY ".tmp" /* the folder of unfinished writes in a store */

/* An unfinished write's file begins with the hash of its key: 16 bytes in hexadecimal. */
#define KZ_STORE_TEMPORARY_OF   33
#define KZ_STORE_TEMPORARY_ROOM (5 + 32 + 1 + 16 + 1) /* ".tmp/", that, "-", 8 random ones, NUL */
void kz_store__dir_temporary_of(char out[KZ_STORE_TEMPORARY_OF], const char *key);

/* One write to one store. */
typedef struct kz_store__dir_write_t {
    int root;
    const char *key;
    int fd; /* the source, read by offset */
    apr_uint64_t size;
    apr_time_t deadline;
    int replace, given;
    int there; /* under its key already */
    char temporary[KZ_STORE_TEMPORARY_ROOM];
    apr_pool_t *pool;
} kz_store__dir_write_t;

/* Copies the source to the file TO. */
kz_err_t *kz_store__dir_copy(int to, const kz_store__dir_write_t *write);
/* Does the open file FD hold the bytes of the source? */
kz_err_t *kz_store__dir_same(int *same, int fd, const kz_store__dir_write_t *write);

/* Opens the store's folder; with MARKED, only if its marker is there. Close *FD. */
kz_err_t *kz_store__dir_root(int *fd, kz_store__dir_t *dir, int marked);
kz_err_t *kz_store__dir_put(void *driver, const char *key, int fd, apr_uint64_t size,
                            apr_time_t deadline, apr_pool_t *scratch_pool);
kz_err_t *kz_store__dir_stage(void **staged, void *driver, const kz_store_source_t *source,
                              apr_time_t deadline, apr_pool_t *pool);
kz_err_t *kz_store__dir_name(void *staged);
void kz_store__dir_drop(void *staged);
kz_err_t *kz_store__dir_replace(void *driver, const char *key, int fd, apr_uint64_t size,
                                apr_time_t deadline, apr_pool_t *scratch_pool);
kz_err_t *kz_store__dir_mark(void *driver, const char *text, apr_time_t deadline,
                             apr_pool_t *scratch_pool);
kz_err_t *kz_store__dir_list(void *driver, const char *prefix, kz_store_list_fn each, void *baton,
                             apr_time_t deadline, apr_pool_t *scratch_pool);
kz_err_t *kz_store__dir_sweep(void *driver, const char *key, apr_time_t before, apr_time_t deadline,
                              apr_pool_t *scratch_pool);

#endif
