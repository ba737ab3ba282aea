/* The scanner as the portal sees it: a verdict on the bytes of a sealed memfd. The work is done by
 * kanzlei-scand (mod_kanzlei/scand), reached over a Unix socket; its protocol is in
 * scand/PROTOCOL.md. Fails closed: only a plain "clean" is clean. Each DEADLINE is by
 * kz_clock_now().
 */
#ifndef KZ_IO_SCAN_H
#define KZ_IO_SCAN_H

#include <apr_pools.h>
#include <apr_time.h>
#include <sys/types.h>

#include "base/err.h"

typedef enum kz_scan_result_t {
    KZ_SCAN_CLEAN,
    KZ_SCAN_INFECTED,   /* what: the name of the signature */
    KZ_SCAN_UNSCANNABLE /* what: one of the reasons below */
} kz_scan_result_t;

/* Reasons of "unscannable", stable words that the texts "unscannable.<reason>" explain:
 * "encrypted", "limits", "rar", "unsupported", "timeout", "error", "too_large". */

typedef struct kz_scan_verdict_t {
    kz_scan_result_t result;
    const char *what; /* signature or reason; NULL when clean */
} kz_scan_verdict_t;

typedef struct kz_scan_status_t {
    int workers;         /* slots */
    unsigned signatures; /* loaded */
    int test_only;       /* 1: nothing but the test signatures is loaded */
    int refusing;        /* 1: every scan is refused, see reason */
    const char *reason;  /* why it refuses, for the operator; "" otherwise */
    apr_time_t loaded;   /* when the engine in use was loaded; 0: none is */
    const char *version; /* of libclamav */
    int landlock;        /* version that holds the workers; 0: none */
    uid_t user;          /* whom the scanner runs as */
} kz_scan_status_t;

/* A memfd (close-on-exec, sealable) for SIZE bytes of plaintext, to be written from its start.
 * Waits its turn, until the deadline, while the plaintext under scan in this process exceeds the
 * bound given to kz_scan_bound(). The caller ends the reservation by kz_scan_release() with the
 * same SIZE, also after an error of a later step, and after kz_scan_await() or kz_scan_leave():
 * what a scanner still holds is memory in use, and counts until it has let go; after an error of
 * this function *MEMFD is -1, nothing is reserved, and kz_scan_release() does nothing. Errors:
 * TOO_LARGE when SIZE alone is over the bound for one document (the verdict then is "unscannable:
 * too_large"), BUSY when the wait is over, NO_SPACE when there is no memfd to be had. */
kz_err_t *kz_scan_reserve(int *memfd, apr_uint64_t size, apr_time_t deadline);
void kz_scan_release(int memfd, apr_uint64_t size);

/* Sets the bounds of this process, in bytes: for all plaintext under scan at once, and for one
 * document (at most 2 GiB - 3, and at most SUM). Called once, before the first reservation; without
 * it, 512 MiB and 100 MiB. */
void kz_scan_bound(apr_uint64_t sum, apr_uint64_t one);

/* Seals MEMFD and sends it to the scanner that listens on the Unix socket at SOCKET_PATH; no name
 * is sent. Until kz_scan_await(), for which MEMFD must stay, the scanner works, and the caller can
 * do something else for some seconds. SCAN ends with that, or by kz_scan_leave(). Errors:
 * SCANNER_DOWN (nobody listens, or it has hung for two seconds, is still loading its signatures, or
 * refuses because its canary was missed); BUSY when other documents took all the time. After an
 * error nothing is known of the document: it is to be scanned again. */
typedef struct kz_scan_t kz_scan_t;
kz_err_t *kz_scan_begin(kz_scan_t **scan, const char *socket_path, int memfd, apr_time_t deadline,
                        apr_pool_t *pool);

/* Waits for the verdict, until kz_scan_begin()'s DEADLINE. A scanner that died half-way is asked
 * again once with the time that is left; one that dies of the same document again makes it
 * "unscannable: error". WHAT is allocated in RESULT_POOL. Errors: the same. A scan that has begun
 * and does not end by the deadline is no error but "unscannable: timeout". */
kz_err_t *kz_scan_await(kz_scan_verdict_t *verdict, kz_scan_t *scan, apr_pool_t *result_pool);

/* Leaves without a verdict: the scanner stops. Does nothing after kz_scan_await(). MEMFD must not
 * have been released. */
void kz_scan_leave(kz_scan_t *scan);

/* Asks for the scanner's state, within DEADLINE; a busy scanner answers at once. STATUS's strings
 * are allocated in RESULT_POOL. Errors: SCANNER_DOWN (also while it loads its first signatures). */
kz_err_t *kz_scan_status(kz_scan_status_t *status, const char *socket_path, apr_time_t deadline,
                         apr_pool_t *result_pool);

#endif
