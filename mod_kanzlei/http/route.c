#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"

static const kz_route_t routes[] = {
#define KZ_ROUTE(method, path, who, right, credential, token, body, effect, answer, handler)       \
    {KZ_ROUTE_##handler,                                                                           \
     #handler,                                                                                     \
     #method,                                                                                      \
     path,                                                                                         \
     KZ_WHO_##who,                                                                                 \
     KZ_RIGHT_##right,                                                                             \
     KZ_CREDENTIAL_##credential,                                                                   \
     KZ_TOKEN_##token,                                                                             \
     KZ_BODY_##body,                                                                               \
     KZ_EFFECT_##effect,                                                                           \
     KZ_ANSWER_##answer,                                                                           \
     handler},
#include "routes.def"
#undef KZ_ROUTE
};

/* Which columns go together. Whether a method is safe: RFC 9110, section 9.2.1. */
enum { SAFE_GET = 1, SAFE_POST = 0, SAFE_PATCH = 0, SAFE_DELETE = 0 };
#define KZ_ROUTE(method, path, who, right, credential, token, body, effect, answer, handler)       \
    _Static_assert(KZ_WHO_##who == KZ_WHO_HOST ||                                                  \
                       KZ_CREDENTIAL_##credential != KZ_CREDENTIAL_NONE,                           \
                   #handler ": whom it is for shows in a credential");                             \
    _Static_assert(!SAFE_##method || (KZ_TOKEN_##token == KZ_TOKEN_NONE &&                         \
                                      KZ_EFFECT_##effect != KZ_EFFECT_WRITES),                     \
                   #handler ": a safe method changes nothing");                                    \
    _Static_assert(SAFE_##method || KZ_CREDENTIAL_##credential != KZ_CREDENTIAL_COOKIE ||          \
                       KZ_TOKEN_##token != KZ_TOKEN_NONE,                                          \
                   #handler ": browsers send a cookie for any site: a token is needed");           \
    _Static_assert((KZ_TOKEN_##token != KZ_TOKEN_FIELD || KZ_BODY_##body == KZ_BODY_FORM) &&       \
                       (KZ_TOKEN_##token != KZ_TOKEN_FIRST || KZ_BODY_##body == KZ_BODY_PARTS),    \
                   #handler ": the body has no place for the token");
#include "routes.def"
#undef KZ_ROUTE

static const char *const whos[] = {"host", "public", "client", "staff", "member"};

kz_timing_t *kz_route_timing(kz_route_id_t id)
{
    static kz_timing_t timings[KZ_ROUTES + 1];

    return &timings[id];
}

const char *kz_route_who(kz_route_who_t who)
{
    return whos[who];
}

/* Takes the segment at *AT: *LEN bytes, up to the next slash or the end. */
static const char *segment(const char **at, size_t *len)
{
    const char *start = *at + 1; /* past the slash */

    *len = strcspn(start, "/");
    *at = start + *len;
    return start;
}

/* Compares PATH with PATTERN and takes the ids on the way. Returns 1 if it fits. */
static int fits(kz_route_match_t *match, const char *pattern, const char *path, apr_pool_t *pool)
{
    match->slug = NULL;
    match->ids = 0;
    while (*pattern == '/' && *path == '/') {
        size_t want_len, have_len;
        const char *want = segment(&pattern, &want_len), *have = segment(&path, &have_len);

        if (want_len == 0 || *want != '{') {
            if (want_len != have_len || memcmp(want, have, want_len) != 0)
                return 0;
            continue;
        }
        if (strncmp(want, "{firm}", 6) == 0) {
            if (have_len == 0 || have_len > 40)
                return 0;
            match->slug = apr_pstrmemdup(pool, have, have_len);
        } else {
            const char *id = apr_pstrmemdup(pool, have, have_len);

            if (!kz_str_is_uuid(id) || match->ids == KZ_GRANT_IDS)
                return 0;
            match->kinds[match->ids] = apr_pstrmemdup(pool, want + 1, want_len - 2);
            match->id[match->ids++] = id;
        }
    }
    return *pattern == '\0' && *path == '\0';
}

static int for_side(kz_route_who_t who, char side)
{
    return who == KZ_WHO_CLIENT ? side == 'c' : who == KZ_WHO_STAFF ? side != 'c' : 1;
}

void kz_route_find(kz_route_match_t *match, const char *method, const char *path, char side,
                   apr_pool_t *pool)
{
    kz_route_match_t tried;
    size_t i;

    memset(match, 0, sizeof *match);
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (i = 0; i < sizeof routes / sizeof *routes; i++) {
        const kz_route_t *route = &routes[i];

        if (!fits(&tried, route->path, path, pool))
            continue;
        if (strcmp(route->method, method) == 0 && (!match->route || for_side(route->who, side))) {
            tried.allow = match->allow;
            *match = tried;
            match->route = route;
        }
        if (!match->allow)
            match->allow = "";
        if (!strstr(match->allow, route->method))
            match->allow = apr_pstrcat(pool, match->allow, *match->allow ? ", " : "", route->method,
                                       strcmp(route->method, "GET") == 0 ? ", HEAD" : "", NULL);
    }
    if (match->allow && !strstr(match->allow, "OPTIONS"))
        match->allow = apr_pstrcat(pool, match->allow, ", OPTIONS", NULL);
}
