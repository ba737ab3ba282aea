/* Shared by the files of this folder: message.c makes the message, words.c its headers' words,
 * mail.c sends it. */
#ifndef KZ_IO_MAIL_PARTS_H
#define KZ_IO_MAIL_PARTS_H

#include <stddef.h>

#include "io/mail/mail.h"

typedef struct kz_mail__message_t {
    const char *from;  /* envelope, ASCII */
    const char *to;    /* envelope, ASCII */
    const char *bytes; /* the whole message, RFC 5322, lines end by CRLF */
    size_t size;       /* bytes */
} kz_mail__message_t;

/* Makes the MIME library ready; cheap when it is. */
void kz_mail__init(void);

/* Makes the bytes of MAIL as sent by FROM. Allocates in RESULT_POOL. Errors: INVALID, CONFIG. */
kz_err_t *kz_mail__compose(kz_mail__message_t *message, const char *from, const kz_mail_t *mail,
                           apr_pool_t *result_pool);

/* WORDS, one clean line of UTF-8, as the value of a header: as they are, or as encoded-words (RFC
 * 2047) of whole characters, at most 75 characters each, with folds between them. What only looks
 * like an encoded-word becomes one. COLUMN: characters that stand before it in its line. In POOL,
 * or WORDS itself. */
const char *kz_mail__words(const char *words, size_t column, apr_pool_t *pool);
/* A mailbox, RFC 5322 section 3.4: NAME, which may be NULL, the same way or quoted, and ADDRESS. */
const char *kz_mail__mailbox(const char *name, const char *address, size_t column,
                             apr_pool_t *pool);

/* Hands MESSAGE to the server of CONFIG->url. Errors: MAIL, INVALID. */
kz_err_t *kz_mail__smtp(const kz_mail_config_t *config, const kz_mail__message_t *message,
                        apr_pool_t *scratch_pool);

#endif
