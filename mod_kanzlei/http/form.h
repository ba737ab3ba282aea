/* Forms: read and checked as forms.def says; one with something wrong comes back with all that was
 * typed, a sentence at each wrong field, and status 422. */
#ifndef KZ_HTTP_FORM_H
#define KZ_HTTP_FORM_H

#include "http/reply.h"
#include "http/request.h"
#include "model/field.h"

typedef struct kz_form_t kz_form_t;

/* The fields of the form ID in this request, each checked, in their order. RQ's form table must
 * have been read. */
kz_form_t *kz_form_read(kz_request_t *rq, kz_form_id_t id);

/* The folded text of a field. Never NULL; "" where it is missing or wrong (then the form has
 * failed), of a choice its first value. */
const char *kz_form_value(const kz_form_t *form, kz_field_id_t field);
/* A checkbox that is no field of forms.def: one of a family, as the rights are. */
int kz_form_ticked(kz_form_t *form, const char *name);

/* What the page itself has read of a field of kind RIGHTS: VALUE, words with blanks between. */
void kz_form_take(kz_form_t *form, kz_field_id_t field, const char *value);

/* Says that a field is wrong, by the text KEY ("field.taken"), in which {{least}} and {{most}} are
 * its limits. The first word stands. */
void kz_form_fail(kz_form_t *form, kz_field_id_t field, const char *key);
int kz_form_failed(const kz_form_t *form);

/* Answers with the page NAME again: status 422, "form" with what was typed and err_<field>,
 * "problem", and the fields as kz_form_show() has them. The caller fills what else the page has. */
kz_view_t *kz_form_again(kz_reply_t *out, kz_form_t *form, const char *page);

/* The fields of the form ID for a page that shows it, part/form.html: the list "inputs", and each
 * by its name in "input" for pages that place them. What stands in them is taken from VIEW's
 * "form", where a choice that is not there gets the first of its values: so "form" is filled
 * before. Who wants JSON gets "form" alone. */
void kz_form_show(kz_view_t *view, const kz_request_t *rq, kz_form_id_t id);

/* The same for a form that changes what is stored, which VIEW's "form" has; of a field of kind
 * RIGHTS as words under its name. OUT then has the version of that: in the form's token, and for
 * who wants JSON as ETag. */
void kz_form_edit(kz_reply_t *out, kz_view_t *view, const kz_request_t *rq, kz_form_id_t id);
/* Compares what is stored now, STORED (named as in "form", and locked), with what the form was made
 * from: its token's version or If-Match (RFC 9110 section 13.1.1). Where somebody else has changed
 * it meanwhile, each field in which that differs from what was typed is wrong, with a sentence that
 * has what is stored; kz_form_again() then answers 409, and its form is made from STORED. Errors:
 * VERSION_NEEDED: neither was sent. */
kz_err_t *kz_form_compare(kz_form_t *form, kz_view_t *stored);

/* --- form_once.c: a form that is sent twice makes one thing */

/* Looks whether the form of RQ was sent before, by its own id (in its token, or Idempotency-Key,
 * draft-ietf-httpapi-idempotency-key-header) and path: then *DONE is 1, and OUT leads where its
 * answer led. Holds back the same form to the end of the transaction. Errors: SENT_BEFORE: it was
 * sent before with something else in it. */
kz_err_t *kz_form__begin(int *done, kz_request_t *rq, const kz_grant_t *grant, kz_reply_t *out);
/* The end of a handler that has changed something: notes that the form was sent, commits, and leads
 * to PATH below BASE as kz_reply_see(). */
kz_err_t *kz_form_done(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out, const char *path,
                       const char *notice);

/* A file of a form, of which the same holds although it comes in pieces. */
typedef struct kz_form_file_t kz_form_file_t;
/* The file NUMBER (0: the first) of the form whose token has the id FORM; "": it was in the header,
 * and each file is meant. In RQ's pool. */
kz_form_file_t *kz_form_file_begin(const kz_request_t *rq, const char *form, int number,
                                   const char *name);
void kz_form_file_add(kz_form_file_t *file, const char *bytes, size_t len);
/* All of it has come, and was taken as UPLOAD. Where the same one came with the same form before,
 * *BEFORE is the upload by which it was taken; else NULL, and that is noted. Ends GRANT's
 * transaction. Errors: DB_*. */
kz_err_t *kz_form_file_end(const char **before, kz_form_file_t *file, kz_grant_t *grant,
                           const char *upload);

/* --- signed_out.c: signing in goes on with a form whose session had ended */

/* Where that form goes to, for kz_reply_again(); NULL: there is none. */
const char *kz_form_goes_on(const kz_request_t *rq);
/* Keeps it in VIEW, the page to sign in, that comes back. */
void kz_form_keep(kz_view_t *view, const kz_request_t *rq);

/* --- form_version.c */

/* The version of what FORM has in the fields of the form ID, to VERSION. */
void kz_form__version(unsigned char version[KZ_REPLY_VERSION], const kz_view_t *form,
                      kz_form_id_t id);
/* VERSION as a strong entity tag, in quotes. */
const char *kz_form__etag(const unsigned char version[KZ_REPLY_VERSION], apr_pool_t *pool);
/* 1 if RQ was made from VERSION, 0 if from another one, -1 if it doesn't say. */
int kz_form__is_from(const kz_request_t *rq, const unsigned char version[KZ_REPLY_VERSION]);

#endif
