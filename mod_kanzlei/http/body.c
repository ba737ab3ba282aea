/* The request's body: read in pieces, or as a form. */
#include "http/http.h"

#include <string.h>

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/crowd.h"
#include "http/jsonform.h"
#include "http/multipart.h"

#define KZ_BODY_FORM_TIME   (20 * APR_USEC_PER_SEC) /* for a form, and a second more for each */
#define KZ_BODY_FORM_RATE   4096                    /* bytes of it that have come */
/* A body's first byte, and the next ones while only few bodies are waited for; the rate is that of
 * RequestReadTimeout in appliance/httpd/httpd.conf, which binds HTTP/1.1 alone. */
#define KZ_BODY_FIRST       (3 * APR_USEC_PER_SEC)
#define KZ_BODY_SILENT      (120 * APR_USEC_PER_SEC)
#define KZ_BODY_RATE        256 /* bytes a second, on the whole */
/* While many are: what has been sent will have come by then. A body that comes steadily, as slow as
 * that may be, isn't cut by its pauses unless they need all workers. */
#define KZ_BODY_SHORT_FIRST (100 * 1000)
#define KZ_BODY_SHORT       (250 * 1000)
#define KZ_BODY_STEADY      4096                    /* bytes a second, on the whole */
#define KZ_BODY_GRACE       (3 * APR_USEC_PER_SEC)  /* until that is asked for */
#define KZ_BODY_PAUSE       (10 * APR_USEC_PER_SEC) /* of a steady one */
#define KZ_BODY_PAUSE_MIN   1000
#define KZ_BODY_PAUSE_MAX   (250 * 1000)

const char *kz_request_id(const kz_request_t *rq, const char *kind)
{
    int i;

    for (i = 0; i < rq->ids; i++) {
        if (strcmp(rq->kinds[i], kind) == 0)
            return rq->id[i];
    }
    return NULL;
}

const char *kz_request_query(const kz_request_t *rq, const char *name)
{
    return apr_table_get(rq->query, name);
}

const char *kz_request_form(const kz_request_t *rq, const char *name)
{
    return apr_table_get(rq->form, name);
}

int kz_request_leads_back(const kz_request_t *rq, const char *path)
{
    return kz_str_is_path_below(path, rq->base);
}

const char *kz_request_back(const kz_request_t *rq)
{
    const char *back = kz_request_form(rq, "back");

    if (!back)
        back = kz_request_query(rq, "back");
    return back && kz_request_leads_back(rq, back) ? back : NULL;
}

const char *kz_request_header(const kz_request_t *rq, const char *name)
{
    return apr_table_get(rq->http->r->headers_in, name);
}

apr_int64_t kz_request_length(const kz_request_t *rq)
{
    const char *text = kz_request_header(rq, "Content-Length");

    return text ? apr_atoi64(text) : -1;
}

static kz_err_t *read_error(apr_status_t status)
{
    if (APR_STATUS_IS_TIMEUP(status))
        return kz_err_create(KZ_ERR_TIMEOUT, "the client sent nothing for too long");
    if (ap_map_http_request_error(status, HTTP_BAD_REQUEST) == HTTP_REQUEST_ENTITY_TOO_LARGE)
        return kz_err_create(KZ_ERR_TOO_LARGE, "the body is larger than httpd lets pass");
    return kz_err_status(KZ_ERR_BAD_REQUEST, status, "reading the body");
}

/* Moves bytes of what httpd has given to BUFFER; 0 when it had none but metadata. */
static kz_err_t *take_bytes(apr_size_t *taken, kz_http_t *http, char *buffer, apr_size_t room)
{
    *taken = 0;
    while (*taken < room && !APR_BRIGADE_EMPTY(http->in)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(http->in);
        const char *data;
        apr_size_t len;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket))
            http->in_eos = 1;
        if (APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
            continue;
        }
        status = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
        if (status != APR_SUCCESS)
            return read_error(status);
        if (len > room - *taken) {
            len = room - *taken;
            apr_bucket_split(bucket, len);
        }
        memcpy(buffer + *taken, data, len);
        *taken += len;
        apr_bucket_delete(bucket);
    }
    return NULL;
}

static apr_interval_time_t pause_after(apr_interval_time_t waited)
{
    waited /= 8;
    return waited < KZ_BODY_PAUSE_MIN   ? KZ_BODY_PAUSE_MIN
           : waited > KZ_BODY_PAUSE_MAX ? KZ_BODY_PAUSE_MAX
                                        : waited;
}

static apr_time_t earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
}

/* When as many bytes as have come must have come, at RATE bytes a second. */
static apr_time_t due_at(const kz_http_t *http, int rate)
{
    return http->began + apr_time_from_sec((apr_time_t)http->got) / rate;
}

/* Until when the next bytes may come, of a body that has been silent since START. */
static apr_time_t deadline_of(const kz_http_t *http, apr_time_t start, kz_crowd_size_t crowd)
{
    apr_time_t whole =
        http->deadline ? http->deadline : due_at(http, KZ_BODY_RATE) + KZ_BODY_SILENT;
    apr_time_t steady = due_at(http, KZ_BODY_STEADY), silent = start + KZ_BODY_SHORT;

    if (crowd == KZ_CROWD_FEW)
        return earlier(start + (http->got > 0 ? KZ_BODY_SILENT : KZ_BODY_FIRST), whole);
    if (http->got == 0)
        return earlier(start + KZ_BODY_SHORT_FIRST, whole);
    if (crowd == KZ_CROWD_MANY && silent < steady)
        silent = earlier(steady, start + KZ_BODY_PAUSE);
    return earlier(earlier(silent, steady + KZ_BODY_GRACE), whole);
}

/* Asks httpd for more of the body, again and again, because HTTP/2's streams have no time-out that
 * a request could set; each pause is an eighth of the time waited so far. */
static kz_err_t *fetch_until(kz_http_t *http, apr_size_t room, const kz_crowd_wait_t *wait)
{
    apr_time_t start = kz_clock_now();

    if (http->got == 0)
        start = http->began;
    for (;;) {
        apr_status_t status = ap_get_brigade(http->r->input_filters, http->in, AP_MODE_READBYTES,
                                             APR_NONBLOCK_READ, (apr_off_t)room);
        apr_time_t now = kz_clock_now();

        if (status == APR_SUCCESS && !APR_BRIGADE_EMPTY(http->in))
            return NULL;
        if (status != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(status))
            return read_error(status);
        if (now >= deadline_of(http, start, kz_crowd_size(wait)))
            return kz_err_create(KZ_ERR_TIMEOUT,
                                 "a body that came too slowly, after %" APR_UINT64_T_FMT " bytes",
                                 http->got);
        apr_sleep(pause_after(now - start));
    }
}

static kz_err_t *fetch(kz_http_t *http, apr_size_t room)
{
    kz_crowd_wait_t wait;
    kz_err_t *err;

    if (!http->began)
        http->began = kz_clock_now();
    kz_crowd_enter(&wait, http->r, KZ_CROWD_BODY);
    err = fetch_until(http, room, &wait);
    kz_crowd_leave(&wait);
    return err;
}

kz_err_t *kz_request_read(kz_request_t *rq, char *buffer, apr_size_t *len)
{
    kz_http_t *http = rq->http;
    apr_size_t room = *len;

    *len = 0;
    if (!http->in)
        http->in = apr_brigade_create(rq->pool, http->r->connection->bucket_alloc);
    while (*len == 0 && !http->in_eos) {
        if (APR_BRIGADE_EMPTY(http->in))
            KZ_TRY(fetch(http, room));
        KZ_TRY(take_bytes(len, http, buffer, room));
        http->got += *len;
    }
    return NULL;
}

static kz_err_t *read_all(char **body, apr_size_t *len, kz_request_t *rq)
{
    apr_int64_t announced = kz_request_length(rq);
    apr_time_t start = kz_clock_now();
    char *room;

    if (announced > KZ_HTTP_FORM_MAX)
        return kz_err_create(KZ_ERR_TOO_LARGE, "a form of %" APR_INT64_T_FMT " bytes", announced);
    room = apr_palloc(rq->pool, announced >= 0 ? (apr_size_t)announced + 2 : KZ_HTTP_FORM_MAX + 2);
    *body = room;
    *len = 0;
    for (;;) {
        apr_size_t limit = announced >= 0 ? (apr_size_t)announced + 1 : KZ_HTTP_FORM_MAX + 1;
        apr_size_t n = limit - *len;

        if (n == 0)
            return kz_err_create(KZ_ERR_TOO_LARGE, "a form over %d bytes", KZ_HTTP_FORM_MAX);
        rq->http->deadline =
            start + KZ_BODY_FORM_TIME + apr_time_from_sec((apr_time_t)*len) / KZ_BODY_FORM_RATE;
        KZ_TRY(kz_request_read(rq, room + *len, &n));
        if (n == 0)
            break;
        *len += n;
    }
    room[*len] = '\0';
    return NULL;
}

kz_err_t *kz_http__read_form(kz_request_t *rq)
{
    const char *type = kz_request_header(rq, "Content-Type");
    char *body = NULL;
    apr_size_t len = 0;

    if (!type)
        type = "";
    type = apr_pstrmemdup(rq->pool, type, strcspn(type, "; "));
    if (*type && strcasecmp(type, "application/x-www-form-urlencoded") != 0 &&
        strcasecmp(type, "application/json") != 0)
        return kz_err_create(KZ_ERR_MEDIA_TYPE, "a form must be urlencoded or JSON");
    KZ_TRY(read_all(&body, &len, rq));
    if (len > 0 && !*type)
        return kz_err_create(KZ_ERR_MEDIA_TYPE, "a form without Content-Type");
    if (strcasecmp(type, "application/json") == 0)
        return kz_jsonform_parse(rq->form, body, len, KZ_HTTP_FIELDS_MAX);
    return kz_urlencoded_parse(rq->form, body, len, KZ_HTTP_FIELDS_MAX);
}
