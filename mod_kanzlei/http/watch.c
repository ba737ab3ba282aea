#include "base/clock.h"
#include "base/log.h"
#include "http/watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_portable.h>
#include <apr_signal.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <http_core.h>

#include "http/address.h"
#include "http/tcp.h"

#define MOST   512                      /* answers watched at once, in this child */
#define LOOK   (100 * 1000)             /* between two looks */
#define SETTLE (3 * APR_USEC_PER_SEC)   /* a reset by then throws away what was acknowledged */
#define LIFE   (600 * APR_USEC_PER_SEC) /* of an answer that was passed on and doesn't arrive */
#define AGAIN  (2 * APR_USEC_PER_SEC)   /* until a note is tried again */
#define TRIES  150                      /* of a note */

struct kz_watch_t {
    kz_watch_t *next;
    apr_pool_t *pool;
    conn_rec *line;      /* until the answer is out; NULL then, or when it has ended */
    apr_uint32_t stream; /* of HTTP/2; 0: HTTP/1.1 */
    int fd;              /* the line's socket, a descriptor of our own */
    int ended;           /* HTTP/2: the frame that ends the stream was passed on */
    int out;             /* all of the answer is in the socket's buffer; the next two are set */
    apr_uint64_t target; /* bytes that the reader's side has acknowledged then */
    apr_uint64_t heard;  /* bytes that had come from there at the last look */
    int handed;          /* the worker is done: the rest is set */
    apr_time_t until;    /* then it is given up */
    apr_time_t acked;    /* when it was found acknowledged, or 0 */
    int tries;
    apr_time_t again; /* not noted before that */
    kz_err_t *(*received)(void *kept, const char *parts, apr_pool_t *pool);
    void *kept;
    const char *parts;
};

static struct {
    pthread_mutex_t lock; /* guards the rest, and each answer */
    pthread_cond_t some;
    apr_thread_t *thread; /* NULL: nothing is watched */
    kz_watch_t *first;
    int count, ending;
} watcher = {.lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER};

static void release(kz_watch_t *watch)
{
    close(watch->fd);
    apr_pool_destroy(watch->pool);
}

static void unlink_watch(kz_watch_t *watch)
{
    kz_watch_t **at = &watcher.first;

    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    watcher.count--;
}

/* It needs nothing more of its line, which may end from now on. */
static void leave_line(kz_watch_t *watch)
{
    if (watch->line)
        apr_atomic_dec32(&kz_watch__line(watch->line)->watched);
    watch->line = NULL;
}

/* All of the answer is in the socket's buffer: what the other side has then acknowledged is known.
 */
static void set_target(kz_watch_t *watch)
{
    kz_tcp_t tcp;

    leave_line(watch);
    watch->out = 1;
    watch->target = APR_UINT64_MAX; /* where it is not known, an empty buffer does */
    watch->heard = APR_UINT64_MAX;
    if (kz_tcp_look(&tcp, watch->fd)) {
        watch->target = tcp.acked + tcp.queued;
        watch->heard = tcp.heard;
    }
}

void kz_watch__ended(conn_rec *line, apr_uint32_t stream)
{
    kz_watch_t *watch;

    pthread_mutex_lock(&watcher.lock);
    for (watch = watcher.first; watch; watch = watch->next) {
        if (watch->line == line && watch->stream == stream)
            watch->ended = 1;
    }
    pthread_mutex_unlock(&watcher.lock);
}

void kz_watch__flushed(conn_rec *line)
{
    kz_watch_t *watch;

    pthread_mutex_lock(&watcher.lock);
    for (watch = watcher.first; watch; watch = watch->next) {
        if (watch->line == line && watch->ended && !watch->out)
            set_target(watch);
    }
    pthread_mutex_unlock(&watcher.lock);
}

void kz_watch__gone(conn_rec *line)
{
    kz_watch_t *watch;

    pthread_mutex_lock(&watcher.lock);
    for (watch = watcher.first; watch; watch = watch->next) {
        if (watch->line == line)
            leave_line(watch);
    }
    pthread_mutex_unlock(&watcher.lock);
}

static apr_uint32_t stream_of(request_rec *r)
{
    const char *id = apr_table_get(r->subprocess_env, "H2_STREAM_ID"); /* of mod_http2 */

    return id ? (apr_uint32_t)strtoul(id, NULL, 10) : 0;
}

kz_watch_t *kz_watch_begin(request_rec *r)
{
    conn_rec *c = r->connection->master ? r->connection->master : r->connection;
    apr_uint32_t stream = r->connection->master ? stream_of(r) : 0;
    kz_watch_line_t *line = kz_watch__line(c);
    kz_watch_t *watch;
    apr_pool_t *pool;
    int fd;

    if (!line || !kz_address_is_direct(r) ||
        (r->connection->master && (!line->frames || stream == 0)) ||
        apr_os_sock_get(&fd, ap_get_conn_socket(c)) != APR_SUCCESS ||
        (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return NULL;
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        close(fd);
        return NULL;
    }
    watch = apr_pcalloc(pool, sizeof *watch);
    watch->pool = pool;
    watch->fd = fd;
    watch->line = c;
    watch->stream = stream;
    pthread_mutex_lock(&watcher.lock);
    if (watcher.count >= MOST || watcher.ending) {
        pthread_mutex_unlock(&watcher.lock);
        release(watch);
        return NULL;
    }
    apr_atomic_inc32(&line->watched);
    watch->next = watcher.first;
    watcher.first = watch;
    watcher.count++;
    pthread_mutex_unlock(&watcher.lock);
    return watch;
}

void kz_watch_drop(kz_watch_t *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watcher.lock);
    unlink_watch(watch);
    leave_line(watch);
    pthread_mutex_unlock(&watcher.lock);
    release(watch);
}

void kz_watch_handed(kz_watch_t *watch, const kz_content_t *content, const char *parts)
{
    watch->received = content->received;
    watch->kept = content->keep(content->baton, watch->pool);
    watch->parts = apr_pstrdup(watch->pool, parts);
    pthread_mutex_lock(&watcher.lock);
    if (watch->stream == 0)
        set_target(watch);
    watch->until = kz_clock_now() + LIFE;
    watch->handed = 1;
    pthread_cond_signal(&watcher.some);
    pthread_mutex_unlock(&watcher.lock);
}

typedef enum verdict_t { WAITS, ARRIVED, LOST } verdict_t;

/* Judges an answer that is out of our hands. Acknowledged bytes have arrived at the reader's side;
 * a program there that has read them ends the connection in order, or keeps it; one that hasn't
 * resets it. */
static verdict_t judge(kz_watch_t *watch, apr_time_t now)
{
    kz_tcp_t tcp;
    int heard;

    if (!kz_tcp_look(&tcp, watch->fd))
        return LOST;
    if (!watch->acked &&
        (tcp.acked >= watch->target || (tcp.queued == 0 && tcp.state != KZ_TCP_GONE)))
        watch->acked = now;
    heard = tcp.heard > watch->heard; /* at least the orderly end */
    watch->heard = tcp.heard;
    if (!watch->acked)
        return tcp.state == KZ_TCP_GONE || now > watch->until ? LOST : WAITS;
    if (tcp.state == KZ_TCP_ENDED || (tcp.state == KZ_TCP_GONE && heard))
        return ARRIVED;
    if (tcp.state == KZ_TCP_GONE)
        return LOST;
    return now - watch->acked >= SETTLE || watcher.ending ? ARRIVED : WAITS;
}

/* Takes those that are to be noted out of the list, and ends those that will not arrive. Under the
 * lock. */
static kz_watch_t *take_due(apr_time_t now)
{
    kz_watch_t *watch, *next, *due = NULL;

    for (watch = watcher.first; watch; watch = next) {
        verdict_t verdict = WAITS;

        next = watch->next;
        if (!watch->handed || (now < watch->again && !watcher.ending))
            continue;
        if (watch->tries)
            verdict = ARRIVED;
        else if (watch->out)
            verdict = judge(watch, now);
        else if (!watch->line || now > watch->until)
            verdict = LOST;
        if (verdict == WAITS)
            continue;
        unlink_watch(watch);
        leave_line(watch);
        watch->next = due;
        if (verdict == ARRIVED)
            due = watch;
        else
            release(watch);
    }
    return due;
}

static void put_back(kz_watch_t *watch)
{
    pthread_mutex_lock(&watcher.lock);
    watch->next = watcher.first;
    watcher.first = watch;
    watcher.count++;
    pthread_mutex_unlock(&watcher.lock);
}

/* Notes what has arrived; what fails is tried again, unless the process ends. */
static void note(kz_watch_t *due)
{
    while (due) {
        kz_watch_t *watch = due;
        apr_pool_t *pool;
        kz_err_t *err;

        due = watch->next;
        apr_pool_create(&pool, watch->pool);
        err = watch->received(watch->kept, watch->parts, pool);
        apr_pool_destroy(pool);
        if (!err || ++watch->tries >= TRIES || watcher.ending) {
            kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0046) "a receipt is not noted: ", err);
            release(watch);
            continue;
        }
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0047) "a receipt is noted later: ", err);
        watch->again = kz_clock_now() + AGAIN;
        put_back(watch);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    int last;

    (void)thread;
    (void)unused;
    apr_setup_signal_thread(); /* signals are for httpd's own threads */
    do {
        kz_watch_t *due;

        pthread_mutex_lock(&watcher.lock);
        if (!watcher.first && !watcher.ending)
            pthread_cond_wait(&watcher.some, &watcher.lock);
        else if (!watcher.ending)
            kz_clock_wait(&watcher.some, &watcher.lock, kz_clock_now() + LOOK);
        last = watcher.ending;
        due = take_due(kz_clock_now());
        pthread_mutex_unlock(&watcher.lock);
        note(due);
    } while (!last);
    return NULL;
}

/* The process ends: what has been acknowledged is noted, the rest can't be known any more. */
static apr_status_t stop(void *unused)
{
    apr_status_t status;

    (void)unused;
    pthread_mutex_lock(&watcher.lock);
    watcher.ending = 1;
    pthread_cond_signal(&watcher.some);
    pthread_mutex_unlock(&watcher.lock);
    apr_thread_join(&status, watcher.thread);
    return APR_SUCCESS;
}

int kz_watch__is_on(void)
{
    return watcher.thread != NULL;
}

void kz_watch__start(apr_pool_t *pool)
{
    apr_status_t status = apr_thread_create(&watcher.thread, NULL, run, NULL, pool);

    if (status != APR_SUCCESS) {
        watcher.thread = NULL;
        kz_log_err(KZ_LOG_ERR, KZ_LOGNO(0048) "no download counts as received: ",
                   kz_err_status(KZ_ERR_INTERNAL, status, "the thread that watches answers"));
        return;
    }
    apr_pool_pre_cleanup_register(pool, NULL, stop);
}
