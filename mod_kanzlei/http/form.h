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

#endif
