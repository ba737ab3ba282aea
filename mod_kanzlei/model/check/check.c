#include "model/check/internal.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/grant.h"
#include "queries.h"

#define PAGE         100                       /* documents read at once */
#define COPY_TIME    (3600 * APR_USEC_PER_SEC) /* longest copy from store to store */
#define STORE_TIME   (10 * APR_USEC_PER_SEC)   /* for a small answer */
#define FIRST_OF_ALL "00000000-0000-0000-0000-000000000000"

/* One document at work. */
typedef struct subject_t {
    kz_check_t *check;
    kz_grant_t *grant;
    const kz_firm_t *firm;
    const kz_q_check_documents_t *row;
    kz_seal_key_t *key;
    const kz_seal_meta_t *header; /* of the first good copy, or NULL */
    apr_pool_t *pool;
} subject_t;

typedef enum verdict_t { GOOD, MISSING, DAMAGED, SHARED, LEFT_OUT } verdict_t;

const char *kz_check_word(kz_check_kind_t kind)
{
    static const char *const words[] = {"missing",     "damaged", "shared",        "down",
                                        "unknown",     "gone",    "event-missing", "event-changed",
                                        "event-added", "seal",    "receipt",       "row"};

    return words[kind];
}

void kz_check__report(kz_check_t *check, const kz_check_problem_t *problem)
{
    check->problems++;
    check->mended += problem->mended;
    check->problem(check->baton, problem);
}

static kz_stores_t *stores_of(const subject_t *s)
{
    return kz_grant_services(s->grant)->stores;
}

/* Reads all of the plaintext; its size and hash are to be those of the row. */
static kz_err_t *compare(subject_t *s, kz_seal_reader_t *reader, EVP_MD_CTX *hash)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    const unsigned char *data;
    apr_int64_t size = 0;
    size_t len = 1;

    if (!EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
        return kz_err_create(KZ_ERR_INTERNAL, "SHA-256");
    while (len > 0) {
        KZ_TRY(kz_seal_read(&data, &len, reader));
        if (!EVP_DigestUpdate(hash, data, len))
            return kz_err_create(KZ_ERR_INTERNAL, "SHA-256");
        size += (apr_int64_t)len;
        s->check->bytes += (apr_int64_t)len;
    }
    if (!EVP_DigestFinal_ex(hash, sum, NULL))
        return kz_err_create(KZ_ERR_INTERNAL, "SHA-256");
    if (size != s->row->size)
        return kz_err_create(KZ_ERR_STORE_CORRUPT,
                             "it has %" APR_INT64_T_FMT " bytes, its row says %" APR_INT64_T_FMT,
                             size, s->row->size);
    if (s->row->sha256.len != KZ_SEAL_SHA256 || memcmp(sum, s->row->sha256.data, KZ_SEAL_SHA256))
        return kz_err_create(KZ_ERR_STORE_CORRUPT, "its SHA-256 is not that of its row");
    return NULL;
}

static void keep_header(subject_t *s, const kz_seal_meta_t *meta)
{
    kz_seal_meta_t *kept = apr_pmemdup(s->pool, meta, sizeof *meta);

    kept->name = apr_pstrdup(s->pool, meta->name);
    kept->type = apr_pstrdup(s->pool, meta->type);
    kept->client = apr_pstrdup(s->pool, meta->client);
    kept->matter = apr_pstrdup(s->pool, meta->matter);
    kept->by = apr_pstrdup(s->pool, meta->by);
    s->header = kept;
}

static kz_err_t *read_copy(subject_t *s, int store, apr_pool_t *pool)
{
    kz_store_object_t *object;
    kz_seal_reader_t *reader;
    apr_uint64_t size;
    EVP_MD_CTX *hash;
    kz_err_t *err;

    KZ_TRY(kz_stores_get_from(&object, &size, stores_of(s), store, s->row->object, pool));
    KZ_TRY(kz_seal_reader_open(&reader, kz_stores_read, object, s->key, s->row->id, pool));
    hash = EVP_MD_CTX_new();
    err = hash ? compare(s, reader, hash) : kz_err_create(KZ_ERR_INTERNAL, "SHA-256");
    EVP_MD_CTX_free(hash);
    if (!err && !s->header)
        keep_header(s, kz_seal_reader_meta(reader));
    return err;
}

/* Leaves STORE out of the rest, and returns 1, when ERR says that it can't be asked at all. */
static int leave_out(kz_check_t *check, kz_stores_t *stores, int store, kz_err_t *err,
                     apr_pool_t *pool)
{
    kz_err_t *down = kz_stores_check(stores, store, kz_clock_now() + STORE_TIME, pool);
    kz_check_problem_t problem = {.kind = KZ_CHECK_DOWN, .store = kz_stores_name(stores, store)};

    if (!down)
        return 0;
    problem.detail = apr_pstrdup(pool, kz_err_detail(err ? err : down));
    kz_err_free(down);
    if (!check->down[store]) {
        check->down[store] = 1;
        kz_check__report(check, &problem);
    }
    return 1;
}

/* Looks at the copy in STORE. *DETAIL, in the subject's pool, says what is wrong. */
static verdict_t look(const char **detail, subject_t *s, int store)
{
    apr_pool_t *pool;
    verdict_t verdict = GOOD;
    kz_err_t *err;

    *detail = "";
    if (s->check->down[store])
        return LEFT_OUT;
    apr_pool_create(&pool, s->pool);
    err = read_copy(s, store, pool);
    if (err) {
        *detail = apr_pstrdup(s->pool, kz_err_detail(err));
        verdict = kz_err_code(err) == KZ_ERR_NOT_FOUND ? MISSING : DAMAGED;
        if (kz_err_code(err) == KZ_ERR_STORE_DOWN &&
            leave_out(s->check, stores_of(s), store, err, s->pool))
            verdict = LEFT_OUT;
        kz_err_free(err);
    }
    apr_pool_destroy(pool);
    return verdict;
}

/* Notes what STORE holds, so that the repair job of the portal knows. */
static kz_err_t *note(subject_t *s, int store, const char *state)
{
    kz_q_object_copy_set_args_t args = {
        .document = s->row->id, .store = kz_stores_name(stores_of(s), store), .state = state};

    KZ_TRY(kz_grant_again(s->grant));
    KZ_TRY(kz_q_object_copy_set(NULL, kz_grant_db(s->grant), &args));
    return kz_grant_commit(s->grant);
}

/* Replaces the copy in STORE by that in GOOD and checks it. Returns a sentence when that did not
 * help, else NULL. */
static const char *mend(subject_t *s, int store, int good)
{
    const kz_conf_t *conf = kz_grant_services(s->grant)->conf;
    apr_interval_time_t longest =
        s->check->at_work ? kz_conf_store_time(conf, (apr_uint64_t)s->row->size) : COPY_TIME;
    const char *detail;
    int same;
    kz_err_t *err = kz_stores_replace(stores_of(s), store, good, s->row->object, conf->spool,
                                      kz_clock_now() + longest);

    if (err) {
        detail = apr_pstrcat(s->pool, "not repaired: ", kz_err_detail(err), NULL);
        kz_err_free(err);
        return detail;
    }
    if (look(&detail, s, store) != GOOD)
        return apr_pstrcat(s->pool, "not repaired: ", detail, NULL);
    err = kz_stores_same(&same, stores_of(s), store, good, s->row->object);
    if (!err && !same)
        return NULL;
    kz_err_expected(err); /* it is mended by the next check */
    return "not repaired: the two stores are one folder";
}

/* Reports a bad copy, after an attempt to mend it from the store GOOD (-1: none has a good one).
 */
static kz_err_t *bad_copy(subject_t *s, int store, verdict_t verdict, const char *detail, int good)
{
    static const kz_check_kind_t kinds[] = {
        [MISSING] = KZ_CHECK_MISSING, [DAMAGED] = KZ_CHECK_DAMAGED, [SHARED] = KZ_CHECK_SHARED};
    kz_check_problem_t problem = {
        .kind = kinds[verdict],
        .store = kz_stores_name(stores_of(s), store),
        .firm = s->firm->slug,
        .document = s->row->id,
        .object = s->row->object,
        .detail = detail,
    };

    if (good < 0) {
        problem.detail = apr_pstrcat(s->pool, detail, "; no store has a good copy", NULL);
    } else if (s->check->repair) {
        const char *why = mend(s, store, good);

        problem.mended = !why;
        if (why)
            problem.detail = apr_pstrcat(s->pool, detail, "; ", why, NULL);
    }
    kz_check__report(s->check, &problem);
    if (!s->check->repair || (verdict == SHARED && !problem.mended))
        return NULL;
    return note(s, store, problem.mended ? "held" : kz_check_word(problem.kind));
}

/* Whether HELD, names separated by blanks, has NAME. */
static int is_held(const char *held, const char *name)
{
    size_t len = strlen(name);
    const char *at = held;

    while ((at = strstr(at, name)) != NULL) {
        if ((at == held || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return 1;
        at += len;
    }
    return 0;
}

/* Whether a store before STORE has the very file that this one has, as its only copy. */
static int is_shared(const subject_t *s, const verdict_t *verdict, int store)
{
    int i, same = 0;

    for (i = 0; i < store && !same; i++) {
        if (verdict[i] == GOOD)
            kz_err_expected(kz_stores_same(&same, stores_of(s), i, store, s->row->object));
    }
    return same; /* what can't be asked any more, the next check sees */
}

static kz_err_t *check_document(subject_t *s)
{
    int count = kz_stores_count(stores_of(s)), good = -1, i;
    verdict_t verdict[KZ_STORES_MAX];
    const char *detail[KZ_STORES_MAX];

    s->check->documents++;
    for (i = 0; i < count; i++) {
        verdict[i] = look(&detail[i], s, i);
        s->check->copies += verdict[i] != LEFT_OUT;
        if (verdict[i] == GOOD && good < 0)
            good = i;
    }
    for (i = 0; i < count; i++) {
        if (verdict[i] == GOOD && good < i && is_shared(s, verdict, i)) {
            verdict[i] = SHARED;
            detail[i] = "one file in two stores: a fault of the disk takes both copies";
        }
        if (verdict[i] == MISSING || verdict[i] == DAMAGED || verdict[i] == SHARED)
            KZ_TRY(bad_copy(s, i, verdict[i], detail[i], good));
        else if (verdict[i] == GOOD && s->check->repair &&
                 !is_held(s->row->held, kz_stores_name(stores_of(s), i)))
            KZ_TRY(note(s, i, "held"));
    }
    if (!s->header || s->check->at_work)
        return NULL;
    return kz_check__header(s->check, s->grant, s->firm, s->row, s->header, s->pool);
}

/* The key in the row doesn't open: no copy can be read any more. */
static void bad_key(subject_t *s, kz_err_t *err)
{
    kz_check_problem_t problem = {
        .kind = KZ_CHECK_DAMAGED,
        .store = "database",
        .firm = s->firm->slug,
        .document = s->row->id,
        .object = s->row->object,
        .detail = kz_err_detail(err),
    };

    s->check->documents++;
    kz_check__report(s->check, &problem);
    kz_err_free(err);
}

static kz_err_t *check_row(kz_check_t *check, kz_grant_t *grant, const kz_firm_t *firm,
                           const kz_q_check_documents_t *row, apr_pool_t *pool)
{
    subject_t s = {.check = check, .grant = grant, .firm = firm, .row = row};
    kz_seal_key_t *firm_key;
    kz_err_t *err;

    KZ_TRY(kz_grant_firm_key(&firm_key, grant));
    apr_pool_create(&s.pool, pool);
    err = row->key.len != KZ_SEAL_WRAPPED
              ? kz_err_create(KZ_ERR_SEAL, "it has no key")
              : kz_seal_document_open(&s.key, firm_key, row->id, row->key.data, s.pool);
    if (err)
        bad_key(&s, err);
    err = s.key ? check_document(&s) : NULL;
    apr_pool_destroy(s.pool);
    return err;
}

/* The noted copies in stores that are not configured any more. */
static kz_err_t *check_gone(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                            apr_pool_t *pool)
{
    kz_q_check_copies_gone_args_t args = {kz_portal_stores(portal, pool)};
    kz_q_check_copies_gone_t *rows;
    kz_grant_t *grant;
    int count, i;

    KZ_TRY(kz_grant_portal(&grant, portal, firm->id, pool));
    KZ_TRY(kz_q_check_copies_gone(&rows, &count, kz_grant_db(grant), &args, pool));
    for (i = 0; i < count; i++) {
        kz_check_problem_t problem = {
            .kind = KZ_CHECK_GONE, .store = rows[i].store, .firm = firm->slug};

        problem.detail = apr_psprintf(
            pool, "it misses %" APR_INT64_T_FMT " copies, and is not configured any more",
            rows[i].copies);
        if (check->repair)
            KZ_TRY(kz_q_check_copies_forget(&problem.mended, kz_grant_db(grant),
                                            &(kz_q_check_copies_forget_args_t){rows[i].store}));
        problem.mended = problem.mended > 0;
        kz_check__report(check, &problem);
    }
    return kz_grant_commit(grant);
}

kz_err_t *kz_check_documents(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                             apr_pool_t *scratch_pool)
{
    char after[KZ_STR_UUID_SIZE] = FIRST_OF_ALL;
    kz_err_t *err = NULL;
    int count = PAGE, i;

    while (count == PAGE && !err) {
        kz_q_check_documents_args_t args = {.after = after, .limit = PAGE};
        kz_q_check_documents_t *rows;
        kz_grant_t *grant;
        apr_pool_t *turn;

        apr_pool_create(&turn, scratch_pool);
        err = kz_grant_portal(&grant, portal, firm->id, turn);
        if (!err)
            err = kz_q_check_documents(&rows, &count, kz_grant_db(grant), &args, turn);
        if (!err)
            kz_grant_rest(grant); /* reading documents holds no connection */
        for (i = 0; !err && i < count; i++) {
            err = check_row(check, grant, firm, &rows[i], turn);
            apr_cpystrn(after, rows[i].id, sizeof after);
        }
        apr_pool_destroy(turn);
    }
    return err ? err : check_gone(check, portal, firm, scratch_pool);
}

kz_err_t *kz_check_document(kz_check_t *check, kz_portal_t *portal, int firm, const char *document,
                            apr_pool_t *scratch_pool)
{
    kz_q_check_document_args_t args = {.document = document};
    kz_firm_t subject_firm = {.id = firm};
    kz_q_check_documents_t *row;
    kz_grant_t *grant;

    KZ_TRY(kz_grant_portal(&grant, portal, firm, scratch_pool));
    KZ_TRY(kz_q_check_document(&row, kz_grant_db(grant), &args, scratch_pool));
    kz_grant_rest(grant);
    if (!row)
        return NULL;
    subject_firm.slug = kz_grant_slug(grant);
    return check_row(check, grant, &subject_firm, row, scratch_pool);
}
