/* Shared by the pages about people. */
#ifndef KZ_PAGES_PEOPLE_H
#define KZ_PAGES_PEOPLE_H

#include "queries.h"
#include "http/form.h"

/* A new password, from the field FIRST and once more from SECOND: strong enough, the same, and none
 * of WORDS; folded. "" when the form has failed. */
const char *kz_people_password(kz_form_t *form, kz_field_id_t first, kz_field_id_t second,
                               const kz_request_t *rq, const char *words);

/* Words that a password of ACCOUNT must not be made of. */
kz_err_t *kz_people_words(const char **words, kz_grant_t *grant, const char *account,
                          apr_pool_t *pool);

/* The client that the path names, as the view's "client"; CLIENT may be NULL. */
kz_err_t *kz_people_client(kz_q_client_t **client, kz_view_t *view, kz_request_t *rq,
                           kz_grant_t *grant);

/* The id of the form that asks for a letter, new with each page that has it, as VIEW's "letter". */
void kz_people_letter(kz_view_t *view, const kz_request_t *rq);

#endif
