/* The token of forms, for handlers that read their form themselves; where a request comes from.
 *
 * A token is 69 bytes in base64url: the account that made the form (16, zeros: nobody had signed
 * in), the form's own id (a UUIDv7, 16: its time is the token's), the version of what the form
 * edits (9, zeros: nothing), a mark of the browser (12) and a keyed BLAKE2b of all of them (16).
 * Nothing of it is stored. Who has signed in proves the account, in whatever session; before that
 * the browser's mark has to fit. */
#ifndef KZ_HTTP_CSRF_H
#define KZ_HTTP_CSRF_H

#include "base/str.h"
#include "http/reply.h"
#include "http/request.h"

#define KZ_CSRF_VERSION KZ_REPLY_VERSION
#define KZ_CSRF_TEXT    100 /* bytes of a token's text with its NUL, at least */

/* What a token says. */
typedef struct kz_csrf_t {
    unsigned char account[KZ_STR_UUID_BYTES]; /* zeros: nobody had signed in */
    char form[KZ_STR_UUID_SIZE];
    unsigned char version[KZ_CSRF_VERSION]; /* zeros: it edits nothing */
    int in_form; /* 1: it came in the form's field; 0: in the header, where it only proves who sent
                    it */
} kz_csrf_t;

/* The token for a form of this request's answer: made by ACCOUNT (a UUID; NULL: by whoever has not
 * signed in), for what has VERSION (NULL: it edits nothing). In RQ's pool. */
const char *kz_csrf_make(const kz_request_t *rq, const char *account, const unsigned char *version);

/* Reads SENT, which may be NULL, into *TOKEN. Where nobody has to sign in, it must be of this
 * browser. FORGED unless the portal made it, at most seven days ago. */
kz_err_t *kz_csrf_read(kz_csrf_t *token, const kz_request_t *rq, const char *sent);
/* OTHER_ACCOUNT unless whoever is at work by GRANT, which is settled, made the form of TOKEN. */
kz_err_t *kz_csrf_check_account(const kz_csrf_t *token, const kz_grant_t *grant);

/* 1 if the browser says that a page of another site or host made it send this request
 * (Sec-Fetch-Site, W3C Fetch Metadata, section 2.3). An address that the reader typed is not
 * foreign, nor is a request without the header. */
int kz_csrf_is_foreign(const kz_request_t *rq);

#endif
