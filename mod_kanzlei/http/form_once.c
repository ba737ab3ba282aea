/* A form that is sent twice (a double click, a reload, an answer that was lost) makes one thing: in
 * the transaction that changes, a row says that it was sent, and where its answer led. */
#include "http/form.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "http/csrf.h"
#include "queries.h"

#define KZ_FORM_KEY    64 /* bytes of a form's own id, at most */
#define KZ_FORM_FIELDS 32 /* bytes of the hash of its fields */

/* The form's own id; NULL: a program sent it that named none. */
static kz_err_t *own_id(const char **id, const kz_request_t *rq)
{
    const char *key = kz_request_header(rq, "Idempotency-Key");

    *id = NULL;
    if (key && (!*key || strlen(key) > KZ_FORM_KEY))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "Idempotency-Key of %" APR_SIZE_T_FMT " bytes",
                             strlen(key));
    if (key)
        *id = key;
    else if (rq->form_token && rq->form_token->in_form)
        *id = rq->form_token->form;
    return NULL;
}

/* A hash of all fields but the token, which a program may have anew. */
static void hash_fields(unsigned char hash[KZ_FORM_FIELDS], const kz_request_t *rq)
{
    const apr_array_header_t *rows = apr_table_elts(rq->form);
    crypto_generichash_state state;
    int i;

    crypto_generichash_init(&state, NULL, 0, KZ_FORM_FIELDS);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        if (strcmp(field->key, "csrf") == 0)
            continue;
        crypto_generichash_update(&state, (const unsigned char *)field->key,
                                  strlen(field->key) + 1);
        crypto_generichash_update(&state, (const unsigned char *)field->val,
                                  strlen(field->val) + 1);
    }
    crypto_generichash_final(&state, hash, KZ_FORM_FIELDS);
}

kz_err_t *kz_form__begin(int *done, kz_request_t *rq, const kz_grant_t *grant, kz_reply_t *out)
{
    kz_db_t *db = kz_grant_db(grant);
    unsigned char fields[KZ_FORM_FIELDS];
    kz_q_form_lock_t *lock;
    kz_q_form_sent_t *before;
    const char *id;

    *done = 0;
    KZ_TRY(own_id(&id, rq));
    if (!id)
        return NULL;
    KZ_TRY(kz_q_form_lock_send(db, &(kz_q_form_lock_args_t){id}));
    KZ_TRY(kz_q_form_sent_send(db, &(kz_q_form_sent_args_t){id, rq->path}));
    KZ_TRY(kz_q_form_lock_read(&lock, db, rq->pool));
    KZ_TRY(kz_q_form_sent_read(&before, db, rq->pool));
    if (!before)
        return NULL;
    hash_fields(fields, rq);
    if (before->fields.len != sizeof fields || memcmp(before->fields.data, fields, sizeof fields))
        return kz_err_create(KZ_ERR_SENT_BEFORE, "the form was sent before, with other fields");
    *done = 1;
    kz_reply_see(out, "", before->place, NULL);
    return NULL;
}

kz_err_t *kz_form_done(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out, const char *path,
                       const char *notice)
{
    unsigned char fields[KZ_FORM_FIELDS];
    kz_q_form_done_args_t args = {.path = rq->path, .fields = {fields, sizeof fields}};

    args.place =
        apr_pstrcat(rq->pool, rq->base, path, notice ? "?notice=" : "", notice ? notice : "", NULL);
    KZ_TRY(own_id(&args.form, rq));
    if (args.form) {
        hash_fields(fields, rq);
        KZ_TRY(kz_q_form_done(NULL, kz_grant_db(grant), &args));
    }
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_see(out, "", args.place, NULL);
    return NULL;
}

struct kz_form_file_t {
    const kz_request_t *rq;
    const char *form; /* "": it has no id */
    crypto_generichash_state hash;
};

kz_form_file_t *kz_form_file_begin(const kz_request_t *rq, const char *form, int number,
                                   const char *name)
{
    /* A pool's memory is aligned to 8 bytes, the state of a hash to 64. */
    void *room = apr_palloc(rq->pool, sizeof(kz_form_file_t) + _Alignof(kz_form_file_t) - 1);
    kz_form_file_t *file = (void *)APR_ALIGN((uintptr_t)room, _Alignof(kz_form_file_t));

    file->rq = rq;
    file->form = form;
    crypto_generichash_init(&file->hash, NULL, 0, KZ_FORM_FIELDS);
    kz_form_file_add(file, (const char *)&number, sizeof number);
    kz_form_file_add(file, name, strlen(name) + 1);
    return file;
}

void kz_form_file_add(kz_form_file_t *file, const char *bytes, size_t len)
{
    crypto_generichash_update(&file->hash, (const unsigned char *)bytes, len);
}

/* The rows of files are those of forms, each under a path of its own. */
kz_err_t *kz_form_file_end(const char **before, kz_form_file_t *file, kz_grant_t *grant,
                           const char *upload)
{
    unsigned char fields[KZ_FORM_FIELDS];
    kz_db_t *db = kz_grant_db(grant);
    apr_pool_t *pool = file->rq->pool;
    kz_q_form_done_args_t args = {
        .form = file->form, .fields = {fields, sizeof fields}, .place = upload};
    kz_q_form_lock_t *lock;
    kz_q_form_sent_t *row;

    *before = NULL;
    crypto_generichash_final(&file->hash, fields, sizeof fields);
    if (!*file->form) {
        kz_grant_rest(grant);
        return NULL;
    }
    args.path = apr_pstrcat(pool, file->rq->path, "#", kz_str_hex(fields, 16, pool), NULL);
    KZ_TRY(kz_q_form_lock_send(db, &(kz_q_form_lock_args_t){args.form}));
    KZ_TRY(kz_q_form_sent_send(db, &(kz_q_form_sent_args_t){args.form, args.path}));
    KZ_TRY(kz_q_form_lock_read(&lock, db, pool));
    KZ_TRY(kz_q_form_sent_read(&row, db, pool));
    if (!row) {
        KZ_TRY(kz_q_form_done(NULL, db, &args));
        return kz_grant_commit(grant);
    }
    *before = row->place;
    kz_grant_rest(grant);
    return NULL;
}
