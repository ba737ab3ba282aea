/* A child that stops in peace (a graceful restart or stop) answers what has begun, each answer with
 * "Connection: close". httpd leaves two gaps, which this closes:
 *
 * - It ends the connections of HTTP/1.1 that wait for a next request all at once, so that a request
 *   which is just on its way gets no answer. After a restart they wait here a while longer. (An
 *   idle connection of HTTP/2 is ended with a GOAWAY, which says what has not been begun.)
 * - It waits for the others for as long as they take, two minutes at least for a reader who takes
 *   nothing, and doesn't hear SIGTERM meanwhile: whoever stopped httpd then waited for its SIGKILL.
 *
 * Connections are ended by shutdown(2): the thread that has one, or gets it from httpd's listener,
 * then sees its end as if the other side had gone. */
#include "http/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_portable.h>
#include <apr_ring.h>
#include <apr_signal.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <mpm_common.h>
#include <scoreboard.h>
#include <util_filter.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/module.h"

#define KEY     "kanzlei-drain"
#define LOOK    (100 * 1000)             /* between two looks */
#define IDLE    (5 * APR_USEC_PER_SEC)   /* for a next request, after a restart */
#define LONGEST (600 * APR_USEC_PER_SEC) /* for all, after a restart */

typedef struct line_t {
    APR_RING_ENTRY(line_t) link;
    conn_rec *c;
    ino_t inode; /* of its socket: descriptors are given anew */
    int inside;  /* its request is processed */
    int kept;    /* it waits for a next request although the child stops, or did */
} line_t;

APR_RING_HEAD(lines_t, line_t);

static struct {
    apr_thread_mutex_t *lock; /* guards the ring; NULL: nothing is drained */
    struct lines_t lines;
    apr_thread_t *thread; /* while the child stops in peace */
    const char *pid_file; /* of the parent, which removes it when httpd stops */
    int generation;
    apr_time_t since; /* by kz_clock_now(): the child stops */
    volatile sig_atomic_t asked, ending;
} drain;

static line_t *line_of(const conn_rec *c)
{
    void *line = NULL;

    apr_pool_userdata_get(&line, KEY, c->pool);
    return line;
}

static apr_status_t forget(void *baton)
{
    line_t *line = baton;

    apr_thread_mutex_lock(drain.lock);
    APR_RING_REMOVE(line, link);
    apr_thread_mutex_unlock(drain.lock);
    return APR_SUCCESS;
}

static int is_portal(const server_rec *server)
{
    return ((kz_server_t *)ap_get_module_config(server->module_config, &kanzlei_module))->portal_on;
}

static int pre_connection(conn_rec *c, void *socket)
{
    struct stat status;
    line_t *line;
    int fd;

    if (c->master || !drain.lock || !is_portal(c->base_server) ||
        apr_os_sock_get(&fd, socket) != APR_SUCCESS || fstat(fd, &status) != 0)
        return OK;
    line = apr_pcalloc(c->pool, sizeof *line);
    line->c = c;
    line->inode = status.st_ino;
    apr_pool_userdata_setn(line, KEY, apr_pool_cleanup_null, c->pool);
    apr_thread_mutex_lock(drain.lock);
    APR_RING_INSERT_TAIL(&drain.lines, line, line_t, link);
    apr_thread_mutex_unlock(drain.lock);
    apr_pool_pre_cleanup_register(c->pool, line, forget);
    return OK;
}

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 137)
static int is_stopping(void)
{
    int state = AP_MPMQ_STOPPING, can = 0;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING &&
           ap_mpm_query(AP_MPMQ_CAN_WAITIO, &can) == APR_SUCCESS && can;
}

static int is_http1(conn_rec *c)
{
    return strcmp(ap_get_protocol(c), AP_PROTOCOL_HTTP1) == 0;
}

/* Whether a connection is to wait for its next request, once: the last answer has promised that,
 * and the child stops. */
static int is_promised(const line_t *line)
{
    const conn_rec *c = line->c;

    return !line->kept && !line->inside && c->keepalive == AP_CONN_KEEPALIVE && !c->aborted &&
           !c->data_in_input_filters && !c->data_in_output_filters && is_http1(line->c) &&
           is_stopping();
}

/* Lets it wait: httpd calls back when it is readable. */
static void keep(line_t *line)
{
    line->kept = 1;
    line->c->cs->sense = CONN_SENSE_WANT_READ;
    line->c->cs->state = CONN_STATE_ASYNC_WAITIO;
}

static void flush(conn_rec *c)
{
    apr_bucket_brigade *bb = apr_brigade_create(c->pool, c->bucket_alloc);

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(c->bucket_alloc));
    ap_pass_brigade(c->output_filters, bb); /* what fails shows in the connection's state */
    apr_brigade_destroy(bb);
}

/* Around what processes a request: a child may have begun to stop after the head of its answer. */
static int process_connection(conn_rec *c)
{
    line_t *line = line_of(c);
    int status;

    if (!line || line->inside)
        return DECLINED;
    line->inside = 1;
    status = ap_run_process_connection(c);
    line->inside = 0;
    if (status == OK && c->cs && c->cs->state == CONN_STATE_WRITE_COMPLETION && is_http1(c) &&
        is_stopping()) {
        flush(c);
        if (is_promised(line))
            keep(line);
    }
    return status;
}

/* Before a worker ends a connection that httpd found idle. (Without a scoreboard handle its memory
 * is being given back.) */
static void resume_connection(conn_rec *c, request_rec *r)
{
    line_t *line = line_of(c);

    (void)r;
    if (line && c->sbh && c->cs && c->cs->state == CONN_STATE_LINGER && is_promised(line))
        keep(line);
}

/* Whether a request comes in time; not, if the other side ends the connection, or look() does. */
static int comes(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&wait, 1, (int)apr_time_as_msec(IDLE)) == 1 && recv(fd, &byte, 1, MSG_PEEK) == 1;
}

/* Before a worker ends a connection. If the child began to stop in the moment after
 * process_connection(), the worker itself waits for the next request. */
static int pre_close_connection(conn_rec *c)
{
    apr_socket_t *socket = ap_get_conn_socket(c);
    apr_interval_time_t timeout = 0;
    line_t *line = line_of(c);
    int fd;

    if (!line || !c->cs || c->cs->state != CONN_STATE_LINGER || !is_promised(line) ||
        apr_os_sock_get(&fd, socket) != APR_SUCCESS)
        return OK;
    line->kept = 1;
    if (!comes(fd))
        return OK;
    line->inside = 1;
    apr_socket_timeout_get(socket, &timeout); /* that of closing */
    apr_socket_timeout_set(socket, c->base_server->timeout);
    c->cs->state = CONN_STATE_PROCESSING;
    ap_run_process_connection(c);
    c->cs->state = CONN_STATE_LINGER;
    apr_socket_timeout_set(socket, timeout);
    line->inside = 0;
    return OK;
}
#endif

/* Ends one or both directions of a connection, unless its socket is closed already. */
static void end_line(const line_t *line, int how)
{
    apr_socket_t *socket = ap_get_conn_socket(line->c); /* NULL: it has hardly begun */
    struct stat status;
    int fd = -1;

    if (!socket || apr_os_sock_get(&fd, socket) != APR_SUCCESS || fd < 0 ||
        (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return;
    if (fstat(fd, &status) == 0 && status.st_ino == line->inode)
        shutdown(fd, how);
    close(fd);
}

/* Ends the connections that wait for a next request, by an end of input: a request that has come
 * before it is answered. ALL: and all others. */
static void end_lines(int all)
{
    line_t *line;

    apr_thread_mutex_lock(drain.lock);
    for (line = APR_RING_FIRST(&drain.lines); line != APR_RING_SENTINEL(&drain.lines, line_t, link);
         line = APR_RING_NEXT(line, link)) {
        if (all)
            end_line(line, SHUT_RDWR);
        else if (line->kept && !line->inside)
            end_line(line, SHUT_RD);
    }
    apr_thread_mutex_unlock(drain.lock);
}

/* Whether httpd itself stops: its parent then removes its file. */
static int is_last(void)
{
    return access(drain.pid_file, F_OK) != 0 && errno == ENOENT;
}

/* Whether httpd has no place for another child. */
static int is_full(void)
{
    int most = 0, i;

    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &most);
    for (i = 0; i < most; i++) {
        if (ap_scoreboard_image->parent[i].pid == 0)
            return 0;
    }
    return 1;
}

/* Ends what is due: at once what SIGTERM asks for; what is left of a stop before httpd's parent
 * loses patience; and what is left after further restarts if their children find no place. */
static void look(void)
{
    apr_interval_time_t waited = kz_clock_now() - drain.since, idle = IDLE, longest = LONGEST,
                        grace = apr_time_from_sec(ap_graceful_shutdown_timeout) / 2;
    int restarts = ap_scoreboard_image->global->running_generation - drain.generation;

    if (is_last()) {
        idle = 0;
        longest = grace ? grace : LONGEST;
    } else if (restarts > 1) {
        idle = 0;
        longest = is_full() ? 0 : LONGEST;
    }
    if (drain.asked || waited >= longest)
        end_lines(1);
    else if (waited >= idle)
        end_lines(0);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    (void)thread, (void)unused;
    apr_setup_signal_thread(); /* signals are for httpd's own threads */
    while (!drain.ending) {
        look();
        apr_sleep(LOOK);
    }
    return NULL;
}

static apr_status_t stop(void *unused)
{
    apr_status_t status;

    (void)unused;
    drain.ending = 1;
    apr_thread_join(&status, drain.thread);
    return APR_SUCCESS;
}

/* A child that stops sends itself SIGTERM, to wake a thread up: that of others counts. */
static void ask(int number, siginfo_t *info, void *unused)
{
    (void)number, (void)unused;
    if (info->si_pid != getpid())
        drain.asked = 1;
}

static void child_stopping(apr_pool_t *pool, int graceful)
{
    struct sigaction action = {.sa_sigaction = ask, .sa_flags = SA_SIGINFO};

    if (!graceful || !drain.lock || drain.since)
        return;
    drain.since = kz_clock_now();
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 ||
        apr_thread_create(&drain.thread, NULL, run, NULL, pool) != APR_SUCCESS) {
        KZ_LOG(KZ_LOG_ERR, KZ_LOGNO(0081) "this process may take long to end");
        return;
    }
    apr_pool_pre_cleanup_register(pool, NULL, stop);
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
    while (server && !is_portal(server))
        server = server->next;
    if (!server)
        return;
    APR_RING_INIT(&drain.lines, line_t, link);
    drain.pid_file = ap_runtime_dir_relative(pool, ap_pid_fname);
    ap_mpm_query(AP_MPMQ_GENERATION, &drain.generation);
    if (apr_thread_mutex_create(&drain.lock, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        drain.lock = NULL;
}

void kz_drain_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_FIRST);
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 137)
    ap_hook_process_connection(process_connection, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_resume_connection(resume_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_close_connection(pre_close_connection, NULL, NULL, APR_HOOK_FIRST);
#endif
}
