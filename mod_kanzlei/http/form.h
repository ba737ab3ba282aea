/* Checks a form field by field. A form with something wrong comes back with all that was typed, a
 * sentence at each wrong field, and status 422. */
#ifndef KZ_HTTP_FORM_H
#define KZ_HTTP_FORM_H

#include "http/reply.h"
#include "http/request.h"

typedef struct kz_form_t kz_form_t;

typedef enum kz_form_need_t { KZ_FORM_OPTIONAL, KZ_FORM_REQUIRED } kz_form_need_t;

/* The form of this request; RQ's form table must have been read. */
kz_form_t *kz_form_open(kz_request_t *rq);

/* The field NAME, folded and checked (model/field.h): one line of at most MAX characters. Never
 * NULL;
 * "" where it is missing or wrong (then the form has failed). */
const char *kz_form_text(kz_form_t *form, const char *name, size_t max, kz_form_need_t need);
/* A number of a client or a matter. */
const char *kz_form_number(kz_form_t *form, const char *name, size_t max, kz_form_need_t need);
/* A new user name: 2 to 64 of a-z, 0-9, dot and dash. */
const char *kz_form_user(kz_form_t *form, const char *name);
/* A mail address (one, as kz_mail_send takes it). */
const char *kz_form_email(kz_form_t *form, const char *name, kz_form_need_t need);
/* One of VALUES ("person|company"); the first of them when the field is missing. */
const char *kz_form_choice(kz_form_t *form, const char *name, const char *values);
/* A password as typed: at most KZ_PASSWORD_MAX characters; never put back into the page. */
const char *kz_form_secret(kz_form_t *form, const char *name);
/* A checkbox. */
int kz_form_ticked(kz_form_t *form, const char *name);

/* Marks the field NAME as wrong, with the text KEY ("field.taken"). The first mark of a field
 * stays. */
void kz_form_fail(kz_form_t *form, const char *name, const char *key);
/* The text of the form's field NAME, already phrased. */
void kz_form_fail_text(kz_form_t *form, const char *name, const char *text);
int kz_form_failed(const kz_form_t *form);

/* Answers with the page NAME again: status 422, "form" with what was typed and err_<field>,
 * "problem". The caller fills what else the page has. */
kz_view_t *kz_form_again(kz_reply_t *out, kz_form_t *form, const char *page);

#endif
