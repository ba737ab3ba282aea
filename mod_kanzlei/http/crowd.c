#include "http/crowd.h"

#include <stdlib.h>
#include <string.h>

#include <ap_mpm.h>
#include <apr_hash.h>
#include <apr_optional.h>
#include <apr_thread_mutex.h>
#include <http_config.h>
#include <http_connection.h>
#include <mod_http2.h>

#include "conf/module.h"
#include "http/address.h"

#define EACH    8 /* bodies of one address that may be waited for in peace, in this child */
#define WAITING 2 /* of all addresses, however few workers there are */
#define LINES   8 /* connections of one address, however few: a browser opens six */
#define PROXIES 32

APR_RING_HEAD(waits_t, kz_crowd_wait_t);

typedef struct peer_t {
    unsigned char address[KZ_ADDRESS_NETWORK];
    int lines; /* connections that are open */
} peer_t;

static struct {
    apr_thread_mutex_t *lock; /* guards the rest; NULL: nothing is bounded */
    struct waits_t waits;     /* the longest first */
    int streams, requests;    /* workers there are: for HTTP/2, for HTTP/1.1 */
    apr_hash_t *peers;        /* peer_t, malloc'd, by address: those with connections */
    int lines;                /* connections of one address, at most */
    unsigned char proxies[PROXIES][KZ_ADDRESS_NETWORK];
    int known; /* proxies */
} crowd;

static int at_least(int least, int number)
{
    return number > least ? number : least;
}

/* Of HTTP/2 and of HTTP/1.1. */
static void count_workers(int *streams, int *requests, server_rec *server)
{
    APR_OPTIONAL_FN_TYPE(http2_get_num_workers) *workers =
        APR_RETRIEVE_OPTIONAL_FN(http2_get_num_workers);
    int least;

    *streams = *requests = 0;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, requests);
    if (workers)
        workers(server, &least, streams);
}

int kz_crowd_threads(server_rec *server)
{
    int streams, requests;

    count_workers(&streams, &requests, server);
    return streams > 0 && streams < requests ? streams : requests;
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
    count_workers(&crowd.streams, &crowd.requests, server);
    APR_RING_INIT(&crowd.waits, kz_crowd_wait_t, link);
    crowd.lines = at_least(LINES, crowd.requests / 2);
    crowd.peers = apr_hash_make(pool);
    if (apr_thread_mutex_create(&crowd.lock, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        crowd.lock = NULL;
}

/* A proxy that mod_remoteip trusts names other addresses than its own: these count, not it. */
static void learn_proxy(const unsigned char *peer)
{
    int i;

    for (i = 0; i < crowd.known; i++) {
        if (memcmp(crowd.proxies[i], peer, KZ_ADDRESS_NETWORK) == 0)
            return;
    }
    if (crowd.known < PROXIES)
        memcpy(crowd.proxies[crowd.known++], peer, KZ_ADDRESS_NETWORK);
}

static int is_proxy(const unsigned char *peer)
{
    int i;

    for (i = 0; i < crowd.known; i++) {
        if (memcmp(crowd.proxies[i], peer, KZ_ADDRESS_NETWORK) == 0)
            return 1;
    }
    return 0;
}

void kz_crowd_enter(kz_crowd_wait_t *wait, const request_rec *r, kz_crowd_kind_t kind)
{
    const conn_rec *c = r->connection->master ? r->connection->master : r->connection;
    unsigned char peer[KZ_ADDRESS_NETWORK];

    APR_RING_ELEM_INIT(wait, link);
    wait->entered = 0;
    if (!crowd.lock)
        return;
    kz_address_network(wait->address, r->useragent_addr);
    kz_address_network(peer, c->client_addr);
    wait->kind = kind;
    wait->is_stream = r->connection->master != NULL;
    wait->entered = 1;
    apr_thread_mutex_lock(crowd.lock);
    if (memcmp(peer, wait->address, sizeof peer) != 0)
        learn_proxy(peer);
    APR_RING_INSERT_TAIL(&crowd.waits, wait, kz_crowd_wait_t, link);
    apr_thread_mutex_unlock(crowd.lock);
}

void kz_crowd_leave(kz_crowd_wait_t *wait)
{
    if (!wait->entered)
        return;
    apr_thread_mutex_lock(crowd.lock);
    APR_RING_REMOVE(wait, link);
    apr_thread_mutex_unlock(crowd.lock);
}

kz_crowd_size_t kz_crowd_size(const kz_crowd_wait_t *wait)
{
    const int workers = wait->is_stream ? crowd.streams : crowd.requests;
    const kz_crowd_wait_t *other;
    int own = 0, all = 0;

    if (!wait->entered || workers == 0)
        return KZ_CROWD_FEW;
    apr_thread_mutex_lock(crowd.lock);
    for (other = APR_RING_FIRST(&crowd.waits);
         other != APR_RING_SENTINEL(&crowd.waits, kz_crowd_wait_t, link) && other != wait;
         other = APR_RING_NEXT(other, link)) {
        if (other->kind == wait->kind && other->is_stream == wait->is_stream) {
            all++;
            own += memcmp(other->address, wait->address, KZ_ADDRESS_NETWORK) == 0;
        }
    }
    apr_thread_mutex_unlock(crowd.lock);
    if (own >= at_least(WAITING, workers / 4) || all >= at_least(WAITING, workers * 3 / 4))
        return KZ_CROWD_FULL;
    return wait->kind == KZ_CROWD_BODY && (own >= EACH || all >= at_least(WAITING, workers / 4))
               ? KZ_CROWD_MANY
               : KZ_CROWD_FEW;
}

static apr_status_t forget_line(void *counted)
{
    peer_t *peer = counted;

    apr_thread_mutex_lock(crowd.lock);
    if (--peer->lines == 0) {
        apr_hash_set(crowd.peers, peer->address, KZ_ADDRESS_NETWORK, NULL);
        free(peer);
    }
    apr_thread_mutex_unlock(crowd.lock);
    return APR_SUCCESS;
}

/* Counts a connection of ADDRESS, unless there are enough of it: NULL. Under the lock. */
static peer_t *count_line(const unsigned char *address)
{
    peer_t *peer = apr_hash_get(crowd.peers, address, KZ_ADDRESS_NETWORK);

    if (!peer) {
        peer = calloc(1, sizeof *peer);
        if (!peer)
            return NULL;
        memcpy(peer->address, address, KZ_ADDRESS_NETWORK);
        apr_hash_set(crowd.peers, peer->address, KZ_ADDRESS_NETWORK, peer);
    }
    if (peer->lines >= crowd.lines)
        return NULL;
    peer->lines++;
    return peer;
}

static int is_portal(const server_rec *server)
{
    return ((kz_server_t *)ap_get_module_config(server->module_config, &kanzlei_module))->portal_on;
}

/* Ends a connection at once when its address has enough of them. */
static int pre_connection(conn_rec *c, void *socket)
{
    unsigned char address[KZ_ADDRESS_NETWORK];
    peer_t *peer = NULL;
    int proxy;

    (void)socket;
    if (c->master || !crowd.lock || !is_portal(c->base_server))
        return OK;
    kz_address_network(address, c->client_addr);
    apr_thread_mutex_lock(crowd.lock);
    proxy = is_proxy(address);
    if (!proxy)
        peer = count_line(address);
    apr_thread_mutex_unlock(crowd.lock);
    if (peer)
        apr_pool_cleanup_register(c->pool, peer, forget_line, apr_pool_cleanup_null);
    if (peer || proxy)
        return OK;
    c->aborted = 1;
    return HTTP_SERVICE_UNAVAILABLE;
}

void kz_crowd_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_FIRST);
}
