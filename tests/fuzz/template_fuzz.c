/* A template's source and, behind a NUL, the source of its partial "p". */
#include "template/template.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

static apr_pool_t *pool;
static json_t *view_json;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    view_json =
        json_pack("{s:s, s:i, s:f, s:b, s:b, s:[s,s,{s:s,s:[]}], s:{s:{s:s}}, s:[[i],[i,i]]}", "s",
                  "<a href=\"x\" title='&'>", "i", 7, "r", 1.5, "y", 1, "n", 0, "a", "1", "\n", "s",
                  "2", "a", "o", "o", "x", "deep", "l", 1, 2, 3);
    if (!view_json)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *source = malloc(size + 1); /* AddressSanitizer watches it, unlike memory of a pool */
    const char *out = NULL;
    kz_value_t view;
    json_t *partials = NULL;
    apr_size_t len = 0;
    kz_err_t *err;

    if (!pool)
        set_up();
    if (!source)
        abort();
    memcpy(source, data, size);
    source[size] = '\0';
    if (strlen(source) < size)
        partials = json_pack("{s:s}", "p", source + strlen(source) + 1);
    view = kz_value_from_json(view_json, pool);
    err = kz_template_once(&out, &len, source, partials, &view, pool);
    if (!err && strlen(out) != len)
        abort();
    kz_err_free(err);
    json_decref(partials);
    apr_pool_clear(pool);
    free(source);
    return 0;
}
