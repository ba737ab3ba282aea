/* Compares events with their seals, as EVENTS.md lists under "What a verifier looks at". */
#include "model/check/check.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "base/time.h"
#include "model/proof/proof.h"
#include "queries.h"

#define SEALS        50                        /* read at once */
#define EVENTS       1000                      /* read at once */
#define LATE         (3600 * APR_USEC_PER_SEC) /* longest way of an event to its seal */
#define FIRST_OF_ALL "00000000-0000-0000-0000-000000000000"

/* The events noted as sealed, one after the other, over the pages. */
typedef struct notes_t {
    kz_q_sealed_events_t *rows;
    int count, at;
    apr_int64_t seal; /* the next page begins behind this one and its place */
    int place, over;
    apr_pool_t *pool; /* of a page */
} notes_t;

/* One firm's chain at work. */
typedef struct chain_t {
    kz_check_t *check;
    kz_portal_t *portal;
    const kz_firm_t *firm;
    const kz_check_head_t *head;
    const unsigned char *key; /* the firm's public one */
    apr_pool_t *pool;         /* lives as long as the check of this firm */
    apr_int64_t number;       /* of the seal before */
    unsigned char previous[KZ_PROOF_HASH];
    apr_time_t not_full; /* time of the last seal that had room, 0: none yet */
    int head_found;
    notes_t notes;
} chain_t;

static void report(chain_t *c, kz_check_kind_t kind, const char *event, const char *detail)
{
    kz_check_problem_t problem = {
        .kind = kind, .store = "database", .firm = c->firm->slug, .event = event, .detail = detail};

    c->check->problems++;
    c->check->problem(c->check->baton, &problem);
}

/* Reports a fault of the seal NUMBER. */
static void bad_seal(chain_t *c, apr_int64_t number, const char *what)
{
    char detail[160];

    apr_snprintf(detail, sizeof detail, "seal %" APR_INT64_T_FMT ": %s", number, what);
    report(c, KZ_CHECK_SEAL, NULL, detail);
}

/* --- what a seal covers --- */

static kz_err_t *next_page(chain_t *c)
{
    notes_t *n = &c->notes;
    kz_q_sealed_events_args_t args = {.seal = n->seal, .place = n->place, .limit = EVENTS};
    kz_grant_t *grant;

    apr_pool_clear(n->pool);
    KZ_TRY(kz_grant_portal(&grant, c->portal, c->firm->id, n->pool));
    KZ_TRY(kz_q_sealed_events(&n->rows, &n->count, kz_grant_db(grant), &args, n->pool));
    kz_grant_rest(grant);
    n->at = 0;
    n->over = n->count < EVENTS;
    if (n->count > 0) {
        n->seal = n->rows[n->count - 1].seal;
        n->place = n->rows[n->count - 1].place;
    }
    return NULL;
}

/* The next event noted, NULL at the end; valid until the next call that goes on. */
static kz_err_t *peek(const kz_q_sealed_events_t **row, chain_t *c)
{
    notes_t *n = &c->notes;

    if (n->at == n->count && !n->over)
        KZ_TRY(next_page(c));
    *row = n->at < n->count ? &n->rows[n->at] : NULL;
    return NULL;
}

static void check_event(chain_t *c, const kz_q_sealed_events_t *row)
{
    kz_proof_event_t event = {row->event,  row->at,       row->kind,    row->account,
                              row->client, row->document, row->subject, row->detail};
    unsigned char hash[KZ_PROOF_HASH];
    char detail[200];

    c->check->events++;
    if (!row->found) {
        apr_snprintf(detail, sizeof detail, "covered by seal %" APR_INT64_T_FMT ", and gone",
                     row->seal);
        report(c, KZ_CHECK_EVENT_MISSING, row->event, detail);
        return;
    }
    kz_proof_event_hash(hash, c->firm->id, &event);
    if (row->hash.len != sizeof hash || memcmp(hash, row->hash.data, sizeof hash) != 0) {
        apr_snprintf(detail, sizeof detail,
                     "\"%.40s\": not what it was when seal %" APR_INT64_T_FMT " covered it",
                     row->kind, row->seal);
        report(c, KZ_CHECK_EVENT_CHANGED, row->event, detail);
    } else if (c->not_full && row->at < c->not_full - LATE) {
        apr_snprintf(detail, sizeof detail,
                     "\"%.40s\": its time is long before seal %" APR_INT64_T_FMT
                     ", the first that covers it",
                     row->kind, row->seal);
        report(c, KZ_CHECK_EVENT_ADDED, row->event, detail);
    }
}

/* Goes through the events noted for SEAL, and hashes their hashes; 1 to *WHOLE when they are as
 * many as it says, at the right places. */
static kz_err_t *check_covered(int *whole, unsigned char *events, chain_t *c,
                               const kz_q_seals_t *seal)
{
    crypto_hash_sha256_state all;
    const kz_q_sealed_events_t *row;
    int place = 0;

    *whole = 1;
    crypto_hash_sha256_init(&all);
    KZ_TRY(peek(&row, c));
    while (row && row->seal <= seal->number) {
        check_event(c, row);
        if (row->seal == seal->number) {
            *whole = *whole && row->place == ++place;
            crypto_hash_sha256_update(&all, row->hash.data, row->hash.len);
        }
        c->notes.at++;
        KZ_TRY(peek(&row, c));
    }
    *whole = *whole && place == seal->count;
    crypto_hash_sha256_final(&all, events);
    return NULL;
}

/* --- the chain --- */

/* Whether HASH is that of the seal that was noted elsewhere. */
static void compare_head(chain_t *c, apr_int64_t number, const unsigned char *hash)
{
    if (!c->head || c->head->number != number)
        return;
    c->head_found = 1;
    if (strcasecmp(kz_str_hex(hash, KZ_PROOF_HASH, c->pool), c->head->hash) != 0)
        bad_seal(c, number, "it is not the one that was noted elsewhere");
}

static int same(kz_db_bytes_t bytes, const unsigned char *other, size_t len)
{
    return bytes.len == len && memcmp(bytes.data, other, len) == 0;
}

static kz_err_t *check_seal(chain_t *c, const kz_q_seals_t *row)
{
    kz_proof_seal_t seal = {c->firm->id, row->number, row->at, row->count, {0}, {0}};
    unsigned char message[KZ_PROOF_MESSAGE], hash[KZ_PROOF_HASH];
    int whole;

    c->check->seals++;
    if (row->number != c->number + 1)
        bad_seal(c, c->number + 1, "gone; the chain has a gap");
    else if (!same(row->previous, c->previous, sizeof c->previous))
        bad_seal(c, row->number, "it does not follow the seal before");
    if (row->at < c->not_full) /* the clock was set back in between: its events are not late */
        c->not_full = row->at;
    KZ_TRY(check_covered(&whole, seal.events, c, row));
    if (!whole)
        bad_seal(c, row->number, "not all of the events that it covers are noted");
    if (row->previous.len == sizeof seal.previous)
        memcpy(seal.previous, row->previous.data, sizeof seal.previous);
    kz_proof_message(message, hash, &seal);
    if (!same(row->hash, hash, sizeof hash))
        bad_seal(c, row->number, "its hash is not that of what it covers");
    else if (!same(row->key, c->key, KZ_SEAL_PUBLIC))
        bad_seal(c, row->number, "it was not made with the firm's key");
    else if (row->signature.len != KZ_SEAL_SIGNATURE ||
             !kz_seal_verify(row->signature.data, c->key, message, sizeof message))
        bad_seal(c, row->number, "its signature is wrong");
    compare_head(c, row->number, hash);
    c->number = row->number;
    memcpy(c->previous, row->hash.data, row->hash.len == sizeof c->previous ? row->hash.len : 0);
    if (row->count < KZ_PROOF_EVENTS)
        c->not_full = row->at;
    return NULL;
}

/* All seals up to number LAST: the next check takes those made meanwhile. */
static kz_err_t *check_seals(chain_t *c, apr_int64_t last)
{
    kz_err_t *err = NULL;
    int count = SEALS, i;

    while (!err && count == SEALS && c->number < last) {
        kz_q_seals_args_t args = {.after = c->number, .limit = SEALS};
        kz_q_seals_t *rows;
        kz_grant_t *grant;
        apr_pool_t *turn;

        apr_pool_create(&turn, c->pool);
        err = kz_grant_portal(&grant, c->portal, c->firm->id, turn);
        if (!err)
            err = kz_q_seals(&rows, &count, kz_grant_db(grant), &args, turn);
        if (!err)
            kz_grant_rest(grant);
        for (i = 0; !err && i < count && rows[i].number <= last; i++)
            err = check_seal(c, &rows[i]);
        apr_pool_destroy(turn);
    }
    return err;
}

/* An event numbered behind the last seal belongs to a seal that is gone, unless it was made
 * meanwhile. */
static kz_err_t *check_end(chain_t *c)
{
    const kz_q_sealed_events_t *row;
    kz_proof_head_t now;

    KZ_TRY(peek(&row, c));
    if (!row)
        return NULL;
    KZ_TRY(kz_proof_head(&now, c->portal, c->firm->id, c->pool));
    if (now.number < row->seal)
        bad_seal(c, row->seal, "gone; the chain has lost its end");
    return NULL;
}

/* --- what no seal covers --- */

static void check_cover(chain_t *c, const kz_q_events_covered_t *row)
{
    char detail[160];

    if (row->covered)
        return;
    apr_snprintf(detail, sizeof detail, "\"%.40s\" of %s: neither sealed nor waiting for it",
                 row->kind, kz_time_iso(row->at, c->notes.pool));
    report(c, KZ_CHECK_EVENT_ADDED, row->id, detail);
}

/* Every event is to be sealed, or to wait for it. */
static kz_err_t *check_uncovered(chain_t *c)
{
    char after[KZ_STR_UUID_SIZE] = FIRST_OF_ALL;
    int count = EVENTS, i;

    while (count == EVENTS) {
        kz_q_events_covered_args_t args = {.after = after, .limit = EVENTS};
        kz_q_events_covered_t *rows;
        kz_grant_t *grant;

        apr_pool_clear(c->notes.pool);
        KZ_TRY(kz_grant_portal(&grant, c->portal, c->firm->id, c->notes.pool));
        KZ_TRY(kz_q_events_covered(&rows, &count, kz_grant_db(grant), &args, c->notes.pool));
        kz_grant_rest(grant);
        for (i = 0; i < count; i++)
            check_cover(c, &rows[i]);
        if (count > 0)
            apr_cpystrn(after, rows[count - 1].id, sizeof after);
    }
    return NULL;
}

/* Events that wait for a seal must be there. */
static kz_err_t *check_waiting(chain_t *c)
{
    char after[KZ_STR_UUID_SIZE] = FIRST_OF_ALL;
    int count = EVENTS, i;

    while (count == EVENTS) {
        kz_q_events_waiting_args_t args = {.after = after, .limit = EVENTS};
        kz_q_events_waiting_t *rows;
        kz_grant_t *grant;

        apr_pool_clear(c->notes.pool);
        KZ_TRY(kz_grant_portal(&grant, c->portal, c->firm->id, c->notes.pool));
        KZ_TRY(kz_q_events_waiting(&rows, &count, kz_grant_db(grant), &args, c->notes.pool));
        kz_grant_rest(grant);
        for (i = 0; i < count; i++) {
            if (!rows[i].found)
                report(c, KZ_CHECK_EVENT_MISSING, rows[i].event, "waits for a seal, and gone");
        }
        if (count > 0)
            apr_cpystrn(after, rows[count - 1].event, sizeof after);
    }
    return NULL;
}

static kz_err_t *check_chain(chain_t *c)
{
    kz_proof_head_t head;
    unsigned char *key = apr_palloc(c->pool, KZ_SEAL_PUBLIC);

    KZ_TRY(kz_proof_head(&head, c->portal, c->firm->id, c->pool));
    sodium_hex2bin(key, KZ_SEAL_PUBLIC, head.key, strlen(head.key), NULL, NULL, NULL);
    c->key = key;
    KZ_TRY(check_seals(c, head.number));
    KZ_TRY(check_end(c));
    if (c->head && !c->head_found)
        bad_seal(c, c->head->number, "gone; it was noted elsewhere");
    KZ_TRY(check_uncovered(c));
    return check_waiting(c);
}

kz_err_t *kz_check_events(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                          const kz_check_head_t *head, apr_pool_t *scratch_pool)
{
    chain_t c = {.check = check, .portal = portal, .firm = firm, .head = head};
    kz_err_t *err;

    apr_pool_create(&c.pool, scratch_pool);
    apr_pool_create(&c.notes.pool, c.pool);
    err = check_chain(&c);
    apr_pool_destroy(c.pool);
    return err ? kz_err_wrap(err, "the events of %s", firm->slug) : NULL;
}
