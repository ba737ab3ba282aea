/* Documents: provided by one side to the other, opened, received, confirmed; kept back and decided.
 */
#ifndef KZ_MODEL_DOCUMENT_DOCUMENT_H
#define KZ_MODEL_DOCUMENT_DOCUMENT_H

#include "model/grant.h"

/* Provides the document to the other side: delivery, event, and for clients a job that mails them.
 * In GRANT's transaction. BY: the account that provides it. */
kz_err_t *kz_document_provide(kz_grant_t *grant, const char *document, const char *client,
                              const char *by, int from_firm);

typedef enum kz_document_step_t {
    KZ_DOCUMENT_OPENED,    /* seen */
    KZ_DOCUMENT_DELIVERED, /* all of it was sent; what became of it can't be known */
    KZ_DOCUMENT_RECEIVED,  /* the reader's side has acknowledged all of it */
    KZ_DOCUMENT_CONFIRMED
} kz_document_step_t;

/* Notes the step of GRANT's account, if that is of the side that receives DOCUMENT and has not done
 * it before; with an event, if nobody of the client's (or the firm's) had done it before. Receiving
 * or confirming counts as opening, too. In GRANT's transaction, which is to be committed. */
kz_err_t *kz_document_step(kz_grant_t *grant, const char *document, kz_document_step_t step);

/* Decides about a document that the scanner kept back: provides or discards it. REASON
 * isn't empty. Errors: CONFLICT (somebody has decided already). */
kz_err_t *kz_document_decide(kz_grant_t *grant, const char *document, int release,
                             const char *reason);

/* Removes OBJECT, which a discarded document had, from every store. For the jobs. Errors: INVALID
 * (a document has it), STORE_DOWN (not every store could be asked: to be repeated). */
kz_err_t *kz_document_remove(kz_grant_t *grant, const char *object);

typedef struct kz_document_content_t kz_document_content_t; /* an open document */

/* Opens the bytes of an available DOCUMENT for GRANT and lets the transaction go. Its first bytes
 * have been read then. Copies that are missing or damaged are noted for the repair job. Errors:
 * NOT_FOUND (not there, kept back), STORE_DOWN, SEAL, STORE_CORRUPT (no store has a good copy). */
kz_err_t *kz_document_content_open(kz_document_content_t **content, kz_grant_t *grant,
                                   const char *document);
const char *kz_document_content_name(const kz_document_content_t *content);
const char *kz_document_content_type(const kz_document_content_t *content); /* media type */
const char *kz_document_content_hash(const kz_document_content_t *content); /* SHA-256, hex */
apr_uint64_t kz_document_content_size(const kz_document_content_t *content);
/* As kz_seal_seek() and kz_seal_read(); BATON is the content. */
kz_err_t *kz_document_content_seek(void *baton, apr_uint64_t offset);
kz_err_t *kz_document_content_read(const unsigned char **data, size_t *len, void *baton);
int kz_document_content_is_incoming(const kz_document_content_t *content); /* of the other side */
/* Notes in a transaction of its own what GRANT's account has done; PARTS (an int8multirange of
 * PostgreSQL) were sent to it and nobody will know of their arrival (NULL: somebody will); OPENS:
 * it has opened the document. */
kz_err_t *kz_document_content_sent(kz_document_content_t *content, const char *parts, int opens);

typedef struct kz_document_reader_t kz_document_reader_t; /* who reads which document */
/* Who reads CONTENT, in POOL, with nothing of the grant in it. */
kz_document_reader_t *kz_document_reader(const kz_document_content_t *content, apr_pool_t *pool);
/* Notes, in a transaction of the portal itself, that PARTS have arrived at READER. When all have,
 * in one answer or in several, the document is received. */
kz_err_t *kz_document_arrived(const kz_document_reader_t *reader, const char *parts,
                              apr_pool_t *pool);

/* The media type of an uploaded file: by its bytes and its name; the browser's word is not asked.
 * BYTES: the first LEN of it, better all; LEN is 0 while nothing has come. Text that isn't UTF-8
 * has its charset as a parameter (RFC 2046, 4.1.2), so that browsers recode it. */
const char *kz_document_type(const char *name, const unsigned char *bytes, size_t len);
/* The key of the text that says a media type as people do, such as "type.pdf". */
const char *kz_document_type_word(const char *type);

#endif
