/* Shared by the files of this folder: the numbers of FORMAT.md, and the sealing of one piece. */
#ifndef KZ_IO_SEAL_INTERNAL_H
#define KZ_IO_SEAL_INTERNAL_H

#include <apr_uuid.h>
#include <openssl/evp.h>

#include "io/seal/seal.h"

#define KZ_SEAL_HEADER     4096                            /* bytes before chunk 0 */
#define KZ_SEAL_CLEAR      128                             /* of them in the clear */
#define KZ_SEAL_NONCE      12                              /* before a ciphertext */
#define KZ_SEAL_TAG        16                              /* behind it */
#define KZ_SEAL_EXTRA      (KZ_SEAL_NONCE + KZ_SEAL_TAG)   /* bytes that sealing adds */
#define KZ_SEAL_STRIDE     (KZ_SEAL_CHUNK + KZ_SEAL_EXTRA) /* from chunk to chunk */
#define KZ_SEAL_META       (KZ_SEAL_HEADER - KZ_SEAL_CLEAR - KZ_SEAL_EXTRA) /* plain description */
#define KZ_SEAL_WRAPPED_AT 40                                               /* in the header */
#define KZ_SEAL_SIZE_MAX   (APR_UINT64_C(1) << 47)                          /* of a document */
#define KZ_SEAL_CHUNK_AAD  43

typedef enum kz_seal_flag_t {
    KZ_SEAL_MIDDLE = 0,
    KZ_SEAL_LAST = 1,
    KZ_SEAL_TAIL = 2,
    KZ_SEAL_HELD = 3 /* a tail behind which nothing counts yet */
} kz_seal_flag_t;
typedef enum kz_seal_state_t { KZ_SEAL_SPOOL = 0, KZ_SEAL_FINISHED = 1 } kz_seal_state_t;
typedef enum kz_seal_way_t { KZ_SEAL_OPEN = 0, KZ_SEAL_SEAL = 1 } kz_seal_way_t;

struct kz_seal_key_t {
    unsigned char *bytes; /* KZ_SEAL_KEY, kz_secret memory */
};

/* --- keys.c --- */

/* A key for PURPOSE, made of the key BY; both have KZ_SEAL_KEY bytes. */
void kz_seal__derive(unsigned char *derived, const unsigned char *by, const char *purpose);

/* --- cipher.c: AES-256-GCM with the key set once --- */

typedef struct kz_seal__cipher_t {
    EVP_CIPHER_CTX *evp;
    unsigned char aad[KZ_SEAL_CHUNK_AAD]; /* of chunks; index and flag change */
} kz_seal__cipher_t;

/* A cipher of one direction for one document's key; freed and wiped with POOL. Errors: INVALID (no
 * UUID), INTERNAL. */
kz_err_t *kz_seal__cipher_create(kz_seal__cipher_t **cipher, const kz_seal_key_t *key,
                                 const char *document, kz_seal_way_t way, apr_pool_t *pool);
/* Which chunk the next call is about. */
void kz_seal__cipher_chunk(kz_seal__cipher_t *cipher, apr_uint64_t index, kz_seal_flag_t flag);
/* Seals LEN bytes of PLAIN as that chunk, to LEN + KZ_SEAL_EXTRA bytes at SEALED, which start with
 * the nonce already. */
kz_err_t *kz_seal__chunk_seal_with(unsigned char *sealed, kz_seal__cipher_t *cipher,
                                   const unsigned char *plain, size_t len);
/* The same with a nonce drawn here. */
kz_err_t *kz_seal__chunk_seal(unsigned char *sealed, kz_seal__cipher_t *cipher,
                              const unsigned char *plain, size_t len);
/* Opens LEN plaintext bytes from SEALED (LEN + KZ_SEAL_EXTRA). PLAIN may be SEALED + KZ_SEAL_NONCE.
 * Errors: SEAL, and PLAIN is worthless then. */
kz_err_t *kz_seal__chunk_open(unsigned char *plain, kz_seal__cipher_t *cipher,
                              const unsigned char *sealed, size_t len);
/* The description, in the header that holds the 128 clear bytes (and, to be sealed, the nonce). */
kz_err_t *kz_seal__meta_seal(unsigned char *header, kz_seal__cipher_t *cipher,
                             const unsigned char *plain);
kz_err_t *kz_seal__meta_open(unsigned char *plain, kz_seal__cipher_t *cipher,
                             const unsigned char *header);

/* --- header.c --- */

/* Writes the KZ_SEAL_CLEAR clear bytes. UUID may be NULL (zero). */
void kz_seal__clear_write(unsigned char *header, kz_seal_state_t state, const apr_uuid_t *uuid,
                          const unsigned char *wrapped);
/* Checks the clear bytes. Errors: SEAL. */
kz_err_t *kz_seal__clear_check(kz_seal_state_t *state, const unsigned char *header);
/* The description between META and KZ_SEAL_META bytes. Errors: INVALID; SEAL. */
kz_err_t *kz_seal__meta_encode(unsigned char *plain, const kz_seal_meta_t *meta);
kz_err_t *kz_seal__meta_decode(kz_seal_meta_t *meta, const unsigned char *plain, apr_pool_t *pool);
kz_err_t *kz_seal__uuid(apr_uuid_t *uuid, const char *text);
void kz_seal__put_be(unsigned char *to, apr_uint64_t number, int bytes);
apr_uint64_t kz_seal__get_be(const unsigned char *from, int bytes);

/* --- file.c: the spool file --- */

/* Where a spool ends: the chunk at which writing goes on. */
typedef struct kz_seal__end_t {
    apr_uint64_t index;  /* of that chunk */
    size_t fill;         /* bytes of it, up to KZ_SEAL_CHUNK */
    kz_seal_flag_t flag; /* how these are sealed: TAIL or HELD, in the tail's file; LAST, in the
                          * spool; MIDDLE, nowhere */
} kz_seal__end_t;

/* An open spool. */
typedef struct kz_seal__spool_t {
    apr_pool_t *pool;
    const char *path;
    int fd;
    kz_seal__cipher_t *opener, *sealer;
    kz_seal__end_t end;
    unsigned char *header; /* KZ_SEAL_HEADER */
    unsigned char *plain;  /* KZ_SEAL_CHUNK: the FILL bytes of the end */
    unsigned char *sealed; /* KZ_SEAL_STRIDE */
} kz_seal__spool_t;

/* Opens the spool at PATH under a lock (LOCK_EX or LOCK_SH, not waited for: LOCKED), checks its
 * header and finds its end. The descriptor is closed, the lock ended and PLAIN wiped with POOL.
 * Errors: NOT_FOUND, LOCKED, SEAL (no spool, another key), STORE_DOWN. */
kz_err_t *kz_seal__spool_open(kz_seal__spool_t *spool, const char *path, int lock,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool);
/* Flushes the folder of the file PATH. */
kz_err_t *kz_seal__folder_flush(const char *path, apr_pool_t *scratch_pool);
/* Like pread and pwrite, whole; a file that ends early is SEAL. */
kz_err_t *kz_seal__pread(int fd, void *buffer, size_t len, apr_uint64_t offset);
kz_err_t *kz_seal__pwrite(int fd, const void *buffer, size_t len, apr_uint64_t offset);
/* errno as an error, as kz_err_errno() has it. */
kz_err_t *kz_seal__io_error(int number, const char *what, const char *path);
apr_uint64_t kz_seal__slot(apr_uint64_t index); /* offset of a chunk */

/* --- tail.c: the tail's file, which says how much of a spool counts --- */

/* Finds the end of SPOOL: as its tail says or, unless that is HELD, behind the whole chunks that
 * follow it and open. Errors: SEAL (the tail is damaged or of another key). */
kz_err_t *kz_seal__tail_find(kz_seal__spool_t *spool);
/* Back to what the tail says; the start, if there is none. */
kz_err_t *kz_seal__tail_read(kz_seal__spool_t *spool);
/* Writes a tail that says END, whose flag is TAIL or HELD: beside the old one, until it is on the
 * disk, as all chunks before the end must be already. After an error (NO_SPACE, STORE_DOWN) the old
 * one stands. */
kz_err_t *kz_seal__tail_write(const kz_seal__spool_t *spool);

#endif
