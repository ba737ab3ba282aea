/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What goes over the sockets of kanzlei-scand; PROTOCOL.md explains it. The only file that both
 * sides share, and so the only one here under both licences. */
#ifndef KZ_SCAND_PROTOCOL_H
#define KZ_SCAND_PROTOCOL_H

#include <stdint.h>

#define KZ_SCAND_MAGIC         0x315a4b53u /* "SKZ1"; changes when a structure does */
#define KZ_SCAND_STATUS_SUFFIX ".status"   /* of the status socket's path */
#define KZ_SCAND_WHAT_MAX      128         /* bytes of a name or reason, with its NUL */
#define KZ_SCAND_ALIVE_MS      300         /* a worker at work says so as often as this */

/* httpd to worker, with exactly one sealed memfd as SCM_RIGHTS. */
typedef struct kz_scand_request_t {
    uint32_t magic;
    uint32_t reserved;    /* 0 */
    uint64_t deadline_ms; /* CLOCK_MONOTONIC, milliseconds */
} kz_scand_request_t;

typedef enum kz_scand_kind_t {
    KZ_SCAND_ALIVE = 1,   /* no answer yet: the worker has begun and lives */
    KZ_SCAND_CLEAN,       /* what: "" */
    KZ_SCAND_INFECTED,    /* what: name of the signature */
    KZ_SCAND_UNSCANNABLE, /* what: encrypted, limits, rar, unsupported, timeout, error, too_large */
    KZ_SCAND_REFUSED      /* what: why nothing was scanned, for the log */
} kz_scand_kind_t;

/* Worker to httpd: any number of ALIVE, then one of the others. */
typedef struct kz_scand_reply_t {
    uint32_t magic;
    uint32_t kind; /* kz_scand_kind_t */
    char what[KZ_SCAND_WHAT_MAX];
} kz_scand_reply_t;

typedef enum kz_scand_state_t {
    KZ_SCAND_LOADING = 1, /* no engine yet: requests wait */
    KZ_SCAND_READY,       /* the canary was found */
    KZ_SCAND_REFUSING     /* no database, a broken one, or the canary was missed */
} kz_scand_state_t;

/* Keeper to whoever connects to the status socket. */
typedef struct kz_scand_status_t {
    uint32_t magic;
    uint32_t state;      /* kz_scand_state_t */
    uint32_t workers;    /* slots */
    uint32_t signatures; /* loaded */
    uint32_t test_only;  /* 1: the fallback database is in use */
    uint32_t landlock;   /* version (ABI) in force in the workers; 0: none */
    int64_t loaded;      /* seconds since 1970: when the engine in use was loaded; 0 if none */
    char version[32];    /* of libclamav */
    char reason[KZ_SCAND_WHAT_MAX]; /* why it refuses; "" otherwise */
} kz_scand_status_t;

/* Both sides have these sizes, without a hole: a change needs another magic. */
_Static_assert(sizeof(kz_scand_request_t) == 16, "the request's size");
_Static_assert(sizeof(kz_scand_reply_t) == 8 + KZ_SCAND_WHAT_MAX, "the reply's size");
_Static_assert(sizeof(kz_scand_status_t) == 64 + KZ_SCAND_WHAT_MAX, "the status's size");

#endif
