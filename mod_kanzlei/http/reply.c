#include "http/reply.h"

#include <apr_strings.h>

kz_view_t *kz_reply_page(kz_reply_t *out, const char *name)
{
    out->kind = KZ_REPLY_PAGE;
    out->status = 200;
    out->page = name;
    return out->view;
}

void kz_reply_see(kz_reply_t *out, const char *base, const char *path, const char *notice)
{
    out->kind = KZ_REPLY_EMPTY;
    out->status = 303;
    kz_reply_header(
        out, "Location",
        apr_pstrcat(out->pool, base, path, notice ? "?notice=" : "", notice ? notice : "", NULL));
}

void kz_reply_again(kz_reply_t *out, const char *path)
{
    kz_reply_empty(out, 307);
    kz_reply_header(out, "Location", path);
}

void kz_reply_empty(kz_reply_t *out, int status)
{
    out->kind = KZ_REPLY_EMPTY;
    out->status = status;
}

void kz_reply_bytes(kz_reply_t *out, const char *type, const char *bytes, apr_size_t len)
{
    out->kind = KZ_REPLY_BYTES;
    out->status = 200;
    out->type = type;
    out->bytes = bytes;
    out->len = len;
}

void kz_reply_stream(kz_reply_t *out, const char *type,
                     kz_err_t *(*read)(const char **data, apr_size_t *len, void *baton),
                     void *baton)
{
    out->kind = KZ_REPLY_STREAM;
    out->status = 200;
    out->type = type;
    out->stream.read = read;
    out->stream.baton = baton;
}

void kz_reply_header(kz_reply_t *out, const char *name, const char *value)
{
    apr_table_set(out->headers, name, value);
}

void kz_reply_cookie(kz_reply_t *out, const char *name, const char *value, int seconds)
{
    const char *age = "";

    if (!value)
        age = "; Max-Age=0";
    else if (seconds > 0)
        age = apr_psprintf(out->pool, "; Max-Age=%d", seconds);
    apr_table_add(out->headers, "Set-Cookie",
                  apr_pstrcat(out->pool, "__Host-", name, "=", value ? value : "",
                              "; Path=/; Secure; HttpOnly; SameSite=Lax", age, NULL));
}
