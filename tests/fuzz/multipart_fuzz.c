/* The first line is the Content-Type header, the rest the body. However it is cut, the parser
 * must make the same calls. */
#include "http/multipart.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct story_t {
    char *text;
    size_t len;
    size_t size;
    int open; /* parts that have begun and not ended */
} story_t;

static void tell(story_t *story, const char *text, size_t len)
{
    if (story->size - story->len < len) {
        story->size = 2 * (story->size + len);
        story->text = realloc(story->text, story->size);
        if (!story->text)
            abort();
    }
    memcpy(story->text + story->len, text, len);
    story->len += len;
}

static kz_err_t *on_begin(void *baton, const char *name, const char *filename, const char *type)
{
    story_t *story = baton;

    if (!*name || strlen(name) > KZ_MULTIPART_NAME_MAX || story->open++)
        abort();
    tell(story, name, strlen(name) + 1);
    tell(story, filename ? filename : "-", filename ? strlen(filename) + 1 : 1);
    tell(story, type, strlen(type) + 1);
    return NULL;
}

static kz_err_t *on_data(void *baton, const char *data, size_t len)
{
    story_t *story = baton;

    if (len == 0 || story->open != 1)
        abort();
    tell(story, data, len);
    return NULL;
}

static kz_err_t *on_end(void *baton)
{
    story_t *story = baton;

    if (--story->open)
        abort();
    tell(story, ";", 1);
    return NULL;
}

/* Feeds pieces of STEP bytes. Returns the code of the error, -1 for none. */
static int parse(story_t *story, const char *type, const char *body, size_t len, size_t step)
{
    static const kz_multipart_handler_t handler = {on_begin, on_data, on_end};
    static const kz_multipart_limits_t limits = {.parts = 8, .header_bytes = 600};
    kz_multipart_t *parser;
    kz_err_t *err = kz_multipart_create(&parser, type, &limits, &handler, story, pool);
    int code;

    for (size_t from = 0; !err && from < len; from += step)
        err = kz_multipart_feed(parser, body + from, len - from < step ? len - from : step);
    if (!err)
        err = kz_multipart_finish(parser);
    if (!err && story->open)
        abort();
    code = err ? (int)kz_err_code(err) : -1;
    kz_err_free(err);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 2, 7, 50};
    const char *text = (const char *)data, *newline = size ? memchr(text, '\n', size) : NULL;
    const char *type, *body;
    story_t whole = {0};
    int code;

    if (!newline)
        return 0;
    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    type = apr_pstrmemdup(pool, text, (size_t)(newline - text));
    body = newline + 1;
    size -= (size_t)(body - text);
    code = parse(&whole, type, body, size, size + 1);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        story_t story = {0};

        if (parse(&story, type, body, size, steps[i]) != code || story.len != whole.len ||
            (story.len && memcmp(story.text, whole.text, story.len)))
            abort();
        free(story.text);
    }
    free(whole.text);
    apr_pool_clear(pool);
    return 0;
}
