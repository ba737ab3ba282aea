/* Sealed documents. FORMAT.md specifies the object byte by byte; these functions make and read one.
 * A document is sealed as it arrives, into a spool file which, once finished, is the object itself,
 * copied to the stores as it is. Plaintext exists in memory only.
 *
 * Keys: 32 bytes each, in kz_secret memory. master -> firm -> document, each wrapped by the one
 * before (XChaCha20-Poly1305 of libsodium with the purpose and ids bound in); chunks by
 * AES-256-GCM of OpenSSL. */
#ifndef KZ_IO_SEAL_H
#define KZ_IO_SEAL_H

#include <stddef.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

#define KZ_SEAL_KEY     32    /* bytes of every key */
#define KZ_SEAL_WRAPPED 76    /* bytes: version 4 (big endian), nonce 24, key 32, tag 16 */
#define KZ_SEAL_CHUNK   65536 /* plaintext bytes of every chunk but the last */
#define KZ_SEAL_SHA256  32

typedef struct kz_seal_keyring_t kz_seal_keyring_t; /* the operator's master keys, by version */
typedef struct kz_seal_key_t kz_seal_key_t;         /* one unwrapped key in secret memory */
typedef struct kz_seal_writer_t kz_seal_writer_t;
typedef struct kz_seal_reader_t kz_seal_reader_t;

/* Opens the master keys: every file NAME in DIR called "master-<version>" (1 to 4294967295) holds
 * 32 bytes, mode 0600 or 0400; the highest version wraps anew. Errors: CONFIG. */
kz_err_t *kz_seal_keyring_open(kz_seal_keyring_t **ring, const char *dir, apr_pool_t *pool);
/* Locks the keys in this process as well, after a fork (kz_secret_lock()). */
void kz_seal_keyring_lock(const kz_seal_keyring_t *ring);
apr_uint32_t kz_seal_keyring_version(const kz_seal_keyring_t *ring); /* the newest */

/* The versions there are, in no order; *COUNT becomes their number. They live as long as RING. */
const apr_uint32_t *kz_seal_keyring_versions(int *count, const kz_seal_keyring_t *ring);

/* Makes what proves later that the master key VERSION is the same: random bytes wrapped by it,
 * bound to INSTALLATION (a UUID's 36 characters). PROOF has KZ_SEAL_WRAPPED bytes. Errors:
 * NOT_FOUND (no such version). */
kz_err_t *kz_seal_master_proof(unsigned char *proof, const kz_seal_keyring_t *ring,
                               apr_uint32_t version, const char *installation,
                               apr_pool_t *scratch_pool);
/* Opens PROOF. Errors: NOT_FOUND (its version isn't there), SEAL (another key made it). */
kz_err_t *kz_seal_master_check(const unsigned char *proof, const kz_seal_keyring_t *ring,
                               const char *installation, apr_pool_t *scratch_pool);

/* Draws a new firm key and wraps it; FIRM is bound in. WRAPPED has KZ_SEAL_WRAPPED bytes. */
kz_err_t *kz_seal_firm_create(unsigned char *wrapped, const kz_seal_keyring_t *ring,
                              apr_int32_t firm, apr_pool_t *scratch_pool);
/* Unwraps a firm's key. Errors: SEAL (wrong master key, other firm, damaged). */
kz_err_t *kz_seal_firm_open(kz_seal_key_t **key, const kz_seal_keyring_t *ring, apr_int32_t firm,
                            const unsigned char *wrapped, apr_pool_t *pool);

/* Wraps a firm's key again, by the newest master key: rotation. REWRAPPED may be WRAPPED. Errors:
 * as kz_seal_firm_open. */
kz_err_t *kz_seal_firm_rewrap(unsigned char *rewrapped, const kz_seal_keyring_t *ring,
                              apr_int32_t firm, const unsigned char *wrapped,
                              apr_pool_t *scratch_pool);

/* The same for a document's key, wrapped by its firm's; DOCUMENT is a UUID's 36 characters. */
kz_err_t *kz_seal_document_create(unsigned char *wrapped, const kz_seal_key_t *firm_key,
                                  const char *document, apr_pool_t *scratch_pool);
kz_err_t *kz_seal_document_open(kz_seal_key_t **key, const kz_seal_key_t *firm_key,
                                const char *document, const unsigned char *wrapped,
                                apr_pool_t *pool);

/* Keys of their own for another purpose (e.g. "csrf", "token"), derived from each master key by
 * BLAKE2b with PURPOSE; 32 bytes each in POOL's secret memory. The newest one, by which new things
 * are made, comes first; NULL ends them. */
kz_err_t *kz_seal_derive(const unsigned char *const **keys, const kz_seal_keyring_t *ring,
                         const char *purpose, apr_pool_t *pool);

/* --- small secrets under a firm's key --- */

#define KZ_SEAL_BOX_EXTRA 41 /* bytes: version 1, nonce 24, tag 16 */

/* Seals LEN bytes of PLAIN, to LEN + KZ_SEAL_BOX_EXTRA bytes at SEALED: a version (1), a random
 * nonce, and XChaCha20-Poly1305 of libsodium by a key that is derived from FIRM_KEY for PURPOSE
 * (BLAKE2b). ID, a UUID's 36 characters, is bound in. Errors: INVALID (no UUID). */
kz_err_t *kz_seal_box(unsigned char *sealed, const kz_seal_key_t *firm_key, const char *purpose,
                      const char *id, const void *plain, size_t len);
/* Opens the LEN bytes of SEALED into PLAIN, LEN - KZ_SEAL_BOX_EXTRA bytes. Errors: SEAL (another
 * firm, purpose or id; damaged); INVALID (no UUID). */
kz_err_t *kz_seal_box_open(void *plain, const kz_seal_key_t *firm_key, const char *purpose,
                           const char *id, const unsigned char *sealed, size_t len);

/* --- signatures: Ed25519 (RFC 8032) --- */

#define KZ_SEAL_PUBLIC    32 /* bytes of a public key */
#define KZ_SEAL_SIGNATURE 64

typedef struct kz_seal_signer_t kz_seal_signer_t;

/* The key pair of a firm for PURPOSE, derived from its key: the same at each call, on every host.
 */
kz_err_t *kz_seal_signer_open(kz_seal_signer_t **signer, const kz_seal_key_t *firm_key,
                              const char *purpose, apr_pool_t *pool);
const unsigned char *kz_seal_signer_public(const kz_seal_signer_t *signer);
void kz_seal_sign(unsigned char *signature, const kz_seal_signer_t *signer, const void *message,
                  size_t len);
/* 1 if SIGNATURE is that of MESSAGE by the owner of PUBLIC_KEY. */
int kz_seal_verify(const unsigned char *signature, const unsigned char *public_key,
                   const void *message, size_t len);

/* The sealed description in the header: enough to rebuild the catalogue. */
typedef struct kz_seal_meta_t {
    apr_int32_t firm;
    const char *document;                 /* UUID, 36 characters */
    const char *client, *matter;          /* UUIDs, or NULL */
    const char *name;                     /* UTF-8, at most 255 bytes */
    const char *type;                     /* media type, at most 127 bytes */
    const char *by;                       /* account, UUID, or NULL */
    apr_time_t at;                        /* when it was received */
    apr_uint64_t size;                    /* plaintext bytes */
    unsigned char sha256[KZ_SEAL_SHA256]; /* of the plaintext */
} kz_seal_meta_t;

/* --- writing: a spool file that can be continued --- */

/* Creates the file PATH (mode 0600, must not exist) for a document under KEY, whose WRAPPED form
 * goes into the header in the clear. It is on the disk, with its name, before this returns. */
kz_err_t *kz_seal_spool_create(const char *path, const unsigned char *wrapped,
                               apr_pool_t *scratch_pool);

/* Removes the spool and what lies beside it. Absent: success. Errors: STORE_DOWN. */
kz_err_t *kz_seal_spool_remove(const char *path, apr_pool_t *scratch_pool);
#define KZ_SEAL_TAIL_NAME  ".tail" /* behind a spool's name: what its last request ended with */
#define KZ_SEAL_FRESH_NAME ".new"  /* behind that: one that is being written */

/* Opens the spool at PATH to go on. *OFFSET becomes the number of plaintext bytes that it holds: at
 * least those that a kz_seal_writer_close() has kept, whatever crashed since then. One writer at a
 * time (an flock; a second one gets LOCKED). Errors: NOT_FOUND, LOCKED, CONFLICT (finished
 * already), SEAL (not a spool, or another key), STORE_DOWN. */
kz_err_t *kz_seal_writer_open(kz_seal_writer_t **writer, apr_uint64_t *offset, const char *path,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool);

/* Appends LEN plaintext bytes. Memory is one chunk, whatever LEN is; whole chunks are sealed from
 * where they are. After an error the writer takes nothing more: close it, open it again, and
 * *OFFSET says what was kept. Errors: NO_SPACE, STORE_DOWN, TOO_LARGE (over 2^47 bytes). */
kz_err_t *kz_seal_write(kz_seal_writer_t *writer, const void *data, size_t len);

/* Bytes written from here on count only once kz_seal_writer_keep() was called and the writer
 * closed: otherwise, and after a crash, the next open finds the spool as it is now. Errors:
 * NO_SPACE, STORE_DOWN. */
kz_err_t *kz_seal_writer_hold(kz_seal_writer_t *writer);
void kz_seal_writer_keep(kz_seal_writer_t *writer);

/* Keeps all that was written (after an error of kz_seal_write: the whole chunks): it is on the disk
 * when this returns, and stays there whatever crashes. The writer is gone afterwards, also after an
 * error. The pool's cleanup does the same. Errors: NO_SPACE, STORE_DOWN, NOT_FOUND (the spool was
 * removed meanwhile). */
kz_err_t *kz_seal_writer_close(kz_seal_writer_t *writer);

/* Marks the last chunk as last and writes the header with META (size and SHA-256 filled in by the
 * caller, from kz_seal_scan_copy). The file then is a whole object, to be flushed (fdatasync) by
 * the caller before a copy of it can be found anywhere: repeatable, after a crash too, and with the
 * same META the bytes that were flushed stay as they are. Errors: SEAL (damaged, or META's size is
 * not what the spool holds), INVALID (META has bad UTF-8, no UUID, too long a name), CONFLICT (a
 * store has the file already, with another META), LOCKED, NOT_FOUND, NO_SPACE, STORE_DOWN. */
kz_err_t *kz_seal_spool_finish(const char *path, const kz_seal_key_t *key,
                               const kz_seal_meta_t *meta, apr_pool_t *scratch_pool);

/* Reads the whole spool once (a finished one too): writes the plaintext to OUT_FD (or nowhere, when
 * -1), and gives its size and, unless that is NULL, its SHA-256. Errors: SEAL (any chunk damaged or
 * missing), LOCKED (is being written to), NOT_FOUND, NO_SPACE (of OUT_FD). */
kz_err_t *kz_seal_scan_copy(apr_uint64_t *size, unsigned char *sha256, const char *path, int out_fd,
                            const kz_seal_key_t *key, const char *document);

/* The SHA-256 of the bytes that kz_seal_scan_copy() has written to FD, for a caller that has it
 * scanned meanwhile. Errors: INTERNAL. */
kz_err_t *kz_seal_scan_hash(unsigned char *sha256, int fd, apr_pool_t *scratch_pool);

/* --- reading: from any source --- */

/* Gives up to *LEN bytes of the object from OFFSET on; sets *LEN to what it gave, 0 at the end. */
typedef kz_err_t *(*kz_seal_source_t)(void *baton, apr_uint64_t offset, void *buffer, size_t *len);

/* Opens an object whose bytes SOURCE gives. DOCUMENT must be the one sealed in. Errors: SEAL
 * (another document or key, damaged, unfinished, longer than it says), those of the source. */
kz_err_t *kz_seal_reader_open(kz_seal_reader_t **reader, kz_seal_source_t source, void *baton,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool);
/* The sealed description; strings live in the reader's pool. */
const kz_seal_meta_t *kz_seal_reader_meta(const kz_seal_reader_t *reader);
/* Goes to the plaintext byte OFFSET, at most the size (else RANGE). */
kz_err_t *kz_seal_seek(kz_seal_reader_t *reader, apr_uint64_t offset);
/* Points *DATA at the next plaintext, valid until the next call; *LEN bytes, at most KZ_SEAL_CHUNK,
 * 0 at the end. Every byte given has been authenticated. After an error the reader stands where it
 * stood: the call can be repeated when the source has turned to another copy. Errors: SEAL, those
 * of the source. */
kz_err_t *kz_seal_read(const unsigned char **data, size_t *len, kz_seal_reader_t *reader);

/* Reads the wrapped document key (KZ_SEAL_WRAPPED bytes) from an object's clear header. */
kz_err_t *kz_seal_peek_wrapped(unsigned char *wrapped, kz_seal_source_t source, void *baton);
/* Object size in bytes for SIZE bytes of plaintext. */
apr_uint64_t kz_seal_object_size(apr_uint64_t size);

#endif
