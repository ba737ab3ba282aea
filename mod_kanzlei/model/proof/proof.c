#include "model/proof/proof.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_uuid.h>
#include <sodium.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "model/proof/event.h"
#include "queries.h"

#define EVENT_LABEL "kanzleipost/1/event"
#define SEAL_LABEL  "kanzleipost/1/event-seal"
#define CLOCK_SET   (60 * APR_USEC_PER_SEC) /* a clock that is kept right is not set back so far */

/* The waiting events of one firm, while they are sealed. */
typedef struct work_t {
    kz_grant_t *grant;
    apr_pool_t *pool;
    apr_time_t now;
    kz_q_seal_events_t *rows;
    int count;
    const char *events, *hashes; /* arrays for PostgreSQL */
    kz_proof_seal_t seal;
} work_t;

/* --- the format --- */

static unsigned char *put_be(unsigned char *to, apr_int64_t number, int bytes)
{
    apr_uint64_t left = (apr_uint64_t)number;
    int i;

    for (i = bytes - 1; i >= 0; i--, left >>= 8)
        to[i] = (unsigned char)(left & 0xff);
    return to + bytes;
}

static void add_number(crypto_hash_sha256_state *state, apr_int64_t number, int bytes)
{
    unsigned char room[8];

    put_be(room, number, bytes);
    crypto_hash_sha256_update(state, room, (unsigned long long)bytes);
}

static void add_text(crypto_hash_sha256_state *state, const char *text)
{
    size_t len = strlen(text ? text : "");

    add_number(state, (apr_int64_t)len, 4);
    crypto_hash_sha256_update(state, (const unsigned char *)(text ? text : ""), len);
}

static void add_uuid(crypto_hash_sha256_state *state, const char *text)
{
    apr_uuid_t uuid = {{0}};

    if (text && apr_uuid_parse(&uuid, text) != APR_SUCCESS)
        memset(&uuid, 0, sizeof uuid);
    crypto_hash_sha256_update(state, uuid.data, sizeof uuid.data);
}

static void add_uuid_or_null(crypto_hash_sha256_state *state, const char *text)
{
    add_number(state, text ? 1 : 0, 1);
    if (text)
        add_uuid(state, text);
}

void kz_proof_event_hash(unsigned char *hash, int firm, const kz_proof_event_t *event)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)EVENT_LABEL, sizeof EVENT_LABEL - 1);
    add_number(&state, firm, 4);
    add_uuid(&state, event->id);
    add_number(&state, event->at, 8);
    add_text(&state, event->kind);
    add_uuid_or_null(&state, event->account);
    add_uuid_or_null(&state, event->client);
    add_uuid_or_null(&state, event->document);
    add_uuid_or_null(&state, event->subject);
    add_text(&state, event->detail);
    crypto_hash_sha256_final(&state, hash);
}

void kz_proof_message(unsigned char *message, unsigned char *hash, const kz_proof_seal_t *seal)
{
    unsigned char *to = message;

    memcpy(to, SEAL_LABEL, sizeof SEAL_LABEL - 1);
    to = put_be(to + sizeof SEAL_LABEL - 1, seal->firm, 4);
    to = put_be(to, seal->number, 8);
    to = put_be(to, seal->at, 8);
    to = put_be(to, seal->count, 4);
    memcpy(to, seal->previous, KZ_PROOF_HASH);
    memcpy(to + KZ_PROOF_HASH, seal->events, KZ_PROOF_HASH);
    if (hash)
        crypto_hash_sha256(hash, message, KZ_PROOF_MESSAGE);
}

/* --- sealing --- */

/* Hashes the events and writes both arrays. UUIDs and hex digits need no quoting but for the
 * backslash of a bytea. */
static void hash_events(work_t *w)
{
    apr_array_header_t *events = apr_array_make(w->pool, w->count, sizeof(const char *));
    apr_array_header_t *hashes = apr_array_make(w->pool, w->count, sizeof(const char *));
    crypto_hash_sha256_state all;
    int i;

    crypto_hash_sha256_init(&all);
    for (i = 0; i < w->count; i++) {
        const kz_q_seal_events_t *row = &w->rows[i];
        kz_proof_event_t event = {row->id,     row->at,       row->kind,    row->account,
                                  row->client, row->document, row->subject, row->detail};
        unsigned char hash[KZ_PROOF_HASH];

        kz_proof_event_hash(hash, w->seal.firm, &event);
        crypto_hash_sha256_update(&all, hash, sizeof hash);
        APR_ARRAY_PUSH(events, const char *) = row->id;
        APR_ARRAY_PUSH(hashes, const char *) =
            apr_pstrcat(w->pool, "\"\\\\x", kz_str_hex(hash, sizeof hash, w->pool), "\"", NULL);
    }
    crypto_hash_sha256_final(&all, w->seal.events);
    w->events = apr_pstrcat(w->pool, "{", apr_array_pstrcat(w->pool, events, ','), "}", NULL);
    w->hashes = apr_pstrcat(w->pool, "{", apr_array_pstrcat(w->pool, hashes, ','), "}", NULL);
}

static kz_err_t *add_seal(work_t *w, const kz_q_seal_head_t *head)
{
    unsigned char message[KZ_PROOF_MESSAGE], hash[KZ_PROOF_HASH], signature[KZ_SEAL_SIGNATURE];
    kz_seal_signer_t *signer;
    kz_seal_key_t *firm_key;
    kz_q_seal_add_args_t args = {
        .at = w->now,
        .count = w->count,
        .previous = {w->seal.previous, KZ_PROOF_HASH},
        .hash = {hash, sizeof hash},
        .signature = {signature, sizeof signature},
    };

    if (head && head->hash.len == KZ_PROOF_HASH)
        memcpy(w->seal.previous, head->hash.data, KZ_PROOF_HASH);
    args.number = w->seal.number = head ? head->number + 1 : 1;
    w->seal.at = w->now;
    w->seal.count = w->count;
    hash_events(w);
    kz_proof_message(message, hash, &w->seal);
    KZ_TRY(kz_grant_firm_key(&firm_key, w->grant));
    KZ_TRY(kz_seal_signer_open(&signer, firm_key, KZ_PROOF_PURPOSE, w->pool));
    kz_seal_sign(signature, signer, message, sizeof message);
    args.key = (kz_db_bytes_t){kz_seal_signer_public(signer), KZ_SEAL_PUBLIC};
    args.events = w->events;
    args.hashes = w->hashes;
    return kz_q_seal_add(NULL, kz_grant_db(w->grant), &args);
}

/* The clock was set back since the last seal, of the time LAST: that is an event, which this seal
 * covers, so that whoever reads times knows. */
static kz_err_t *note_clock(const work_t *w, apr_time_t last)
{
    kz_event_t event = {.detail = apr_pstrcat(w->pool, kz_time_iso(last, w->pool), " -> ",
                                              kz_time_iso(w->now, w->pool), NULL)};

    return kz_event_add(w->grant, KZ_EVENT_CLOCK_SET, &event);
}

/* One seal of FIRM; *FULL says that more may wait. */
static kz_err_t *seal_once(int *full, kz_portal_t *portal, int firm, apr_pool_t *pool)
{
    work_t w = {.pool = pool, .seal = {.firm = firm}};
    kz_q_seal_events_args_t args = {.limit = KZ_PROOF_EVENTS};
    kz_q_seal_lock_t *lock;
    kz_q_seal_head_t *head;

    *full = 0;
    KZ_TRY(kz_grant_portal(&w.grant, portal, firm, pool));
    KZ_TRY(kz_q_seal_lock(&lock, kz_grant_db(w.grant), pool));
    if (!lock->mine) {
        kz_grant_rest(w.grant);
        return NULL;
    }
    w.now = lock->now;
    KZ_TRY(kz_q_seal_head(&head, kz_grant_db(w.grant), pool));
    if (head && w.now < head->at - CLOCK_SET)
        KZ_TRY(note_clock(&w, head->at));
    KZ_TRY(kz_q_seal_events(&w.rows, &w.count, kz_grant_db(w.grant), &args, pool));
    *full = w.count == KZ_PROOF_EVENTS;
    if (w.count > 0)
        KZ_TRY(add_seal(&w, head));
    return kz_grant_commit(w.grant);
}

static kz_err_t *seal_firm(kz_portal_t *portal, int firm, apr_pool_t *scratch_pool)
{
    kz_err_t *err = NULL;
    int full = 1;

    while (full && !err) {
        apr_pool_t *turn;

        apr_pool_create(&turn, scratch_pool);
        err = seal_once(&full, portal, firm, turn);
        apr_pool_destroy(turn);
    }
    return err ? kz_err_wrap(err, "the seals of firm %d", firm) : NULL;
}

kz_err_t *kz_proof_run(kz_portal_t *portal, apr_pool_t *scratch_pool)
{
    kz_q_seal_due_args_t args = {.after = 0};
    kz_err_t *first = NULL;

    for (;;) {
        kz_q_seal_due_t *row;
        kz_err_t *err;
        kz_db_t *db;

        KZ_TRY(kz_db_begin(&db, portal->db, scratch_pool));
        KZ_TRY(kz_q_seal_due(&row, db, &args, scratch_pool));
        kz_db_end(db);
        if (row->firm == 0)
            return first;
        args.after = row->firm;
        err = seal_firm(portal, row->firm, scratch_pool); /* an error doesn't stop the others */
        first = kz_log_second(first, err);
    }
}

kz_err_t *kz_proof_head(kz_proof_head_t *head, kz_portal_t *portal, int firm,
                        apr_pool_t *result_pool)
{
    kz_seal_signer_t *signer;
    kz_seal_key_t *firm_key;
    kz_q_seal_head_t *row;
    kz_grant_t *grant;

    memset(head, 0, sizeof *head);
    KZ_TRY(kz_grant_portal(&grant, portal, firm, result_pool));
    KZ_TRY(kz_q_seal_head(&row, kz_grant_db(grant), result_pool));
    KZ_TRY(kz_grant_firm_key(&firm_key, grant));
    kz_grant_rest(grant);
    KZ_TRY(kz_seal_signer_open(&signer, firm_key, KZ_PROOF_PURPOSE, result_pool));
    head->key = kz_str_hex(kz_seal_signer_public(signer), KZ_SEAL_PUBLIC, result_pool);
    if (!row)
        return NULL;
    head->number = row->number;
    head->at = row->at;
    head->hash = kz_str_hex(row->hash.data, row->hash.len, result_pool);
    return NULL;
}
