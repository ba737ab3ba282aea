/* Forms: every sample is parsed whole, byte by byte, and cut at every position: the result is the
 * same. */
#include "http/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=xyz"

static apr_pool_t *pool;

/* The parser's calls as text: "name|filename|type=data;" for each part. */
typedef struct story_t {
    char text[4096];
    size_t len;
    size_t data; /* bytes of data */
    int parts;
    kz_err_code_t fail_with; /* begin of a part named "fail" */
} story_t;

static void tell(story_t *story, const char *text, size_t len)
{
    if (story->len + len < sizeof story->text) {
        memcpy(story->text + story->len, text, len);
        story->len += len;
        story->text[story->len] = '\0';
    }
}

static kz_err_t *on_begin(void *baton, const char *name, const char *filename, const char *type)
{
    story_t *story = baton;
    const char *text =
        apr_pstrcat(pool, name, "|", filename ? filename : "-", "|", type, "=", NULL);

    tell(story, text, strlen(text));
    story->parts++;
    if (strcmp(name, "fail") == 0)
        return kz_err_create(story->fail_with, "as told");
    return NULL;
}

static kz_err_t *on_data(void *baton, const char *data, size_t len)
{
    story_t *story = baton;

    assert_true(len > 0);
    tell(story, data, len);
    story->data += len;
    return NULL;
}

static kz_err_t *on_end(void *baton)
{
    tell(baton, ";", 1);
    return NULL;
}

static const kz_multipart_handler_t handler = {on_begin, on_data, on_end};
static const kz_multipart_limits_t limits = {.parts = 100, .header_bytes = 400};

/* Feeds BODY in pieces: up to FIRST, up to SECOND, and STEP bytes each from there on. */
static kz_err_t *parse(story_t *story, const char *type, const char *body, size_t len,
                       const size_t cut[2], size_t step)
{
    kz_multipart_t *parser;
    kz_err_t *err;
    size_t from = 0;
    apr_pool_t *own;

    memset(story, 0, sizeof *story);
    story->fail_with = KZ_ERR_CONFLICT;
    apr_pool_create(&own, pool);
    err = kz_multipart_create(&parser, type, &limits, &handler, story, own);
    while (!err && from < len) {
        size_t to = from < cut[0] ? cut[0] : from < cut[1] ? cut[1] : from + step;
        /* An allocation of exactly that size, so that AddressSanitizer sees a read beyond it. */
        size_t size = (to < len ? to : len) - from;
        char *piece = malloc(size);

        memcpy(piece, body + from, size);
        err = kz_multipart_feed(parser, piece, size);
        free(piece);
        from += size;
    }
    if (!err)
        err = kz_multipart_finish(parser);
    apr_pool_destroy(own);
    return err;
}

static const char *result(const story_t *story, kz_err_t *err)
{
    const char *text = err ? kz_err_name(kz_err_code(err)) : story->text;

    text = apr_pstrdup(pool, text);
    kz_err_free(err);
    return text;
}

static void compare(const char *body, size_t len, const size_t cut[2], size_t step,
                    const char *expected)
{
    story_t story;
    const char *told = result(&story, parse(&story, TYPE, body, len, cut, step));

    if (strcmp(told, expected))
        fail_msg("cut at %zu and %zu, step %zu:\n%s\ntells \"%s\" instead of \"%s\"", cut[0],
                 cut[1], step, body, told, expected);
}

/* EXPECTED: the text of the calls, or the name of the error. */
static void check(const char *body, const char *expected)
{
    size_t len = strlen(body);

    for (size_t one = 0; one <= len; one++) {
        compare(body, len, (size_t[2]){one, one}, len + 1, expected);
        for (size_t other = one + 1; len < 120 && other <= len; other++)
            compare(body, len, (size_t[2]){one, other}, len + 1, expected);
    }
    for (size_t step = 1; step < 8; step++)
        compare(body, len, (size_t[2]){0, 0}, step, expected);
}

#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define FILE_(file) "Content-Disposition: form-data; name=\"f\"; filename=\"" file "\"\r\n"

static void fields_and_files(void **state)
{
    (void)state;
    check("--xyz\r\n" FIELD("a") "\r\n1\r\n--xyz--\r\n", "a|-|text/plain=1;");
    check("--xyz\r\n" FIELD("a") "\r\n1\r\n--xyz\r\n" FIELD("b") "\r\n2\r\n--xyz--",
          "a|-|text/plain=1;b|-|text/plain=2;");
    check("--xyz\r\n" FILE_("r.pdf") "Content-Type: application/pdf\r\n\r\n%PDF\r\n--xyz--\r\n",
          "f|r.pdf|application/pdf=%PDF;");
    check("--xyz\r\n" FILE_("") "Content-Type: application/octet-stream\r\n\r\n\r\n--xyz--\r\n",
          "f||application/octet-stream=;");
    check("--xyz--\r\n", "");
    check("--xyz--", "");
}

static void line_ends_of_data_are_data(void **state)
{
    (void)state;
    check("--xyz\r\n" FIELD("a") "\r\n\r\n\r\n1\n\r\r\n\r\n--xyz--",
          "a|-|text/plain=\r\n\r\n1\n\r\r\n;");
    check("--xyz\r\n" FIELD("a") "\r\n\r\r\n--xyz--", "a|-|text/plain=\r;");
}

static void what_looks_like_a_boundary(void **state)
{
    (void)state;
    check("--xyz\r\n" FIELD("a") "\r\n--xy\r\n-xyz\r\n--xy\r\n\r\n--xyz--",
          "a|-|text/plain=--xy\r\n-xyz\r\n--xy\r\n;");
    check("--xyz\r\n" FIELD("a") "\r\n 1--xyz\n--xyz\r--xyz\r\n--xyz--",
          "a|-|text/plain= 1--xyz\n--xyz\r--xyz;");
    check("--xyz\r\n" FIELD("a") "\r\n\r\r\n--xy\r\r\n--xyz--", "a|-|text/plain=\r\r\n--xy\r;");
    /* RFC 2046: a line that begins with the boundary is one. */
    check("--xyz\r\n" FIELD("a") "\r\n1\r\n--xyzzy\r\n--xyz--", "BAD_REQUEST");
}

static void preamble_epilogue_and_padding(void **state)
{
    (void)state;
    check("to old readers\r\n--xy\r\n--xyz\r\n" FIELD("a") "\r\n1\r\n--xyz--\r\nbye\r\n--xyz\r\n",
          "a|-|text/plain=1;");
    check("\r\n--xyz \t\r\n" FIELD("a") "\r\n1\r\n--xyz--  \r\n", "a|-|text/plain=1;");
}

static void parts_without_a_body(void **state)
{
    (void)state;
    check("--xyz\r\n" FIELD("a") "\r\n--xyz\r\n" FIELD("b") "\r\n\r\n--xyz--",
          "a|-|text/plain=;b|-|text/plain=;");
}

static void names_as_browsers_write_them(void **state)
{
    (void)state;
    check("--xyz\r\n" FILE_("a%22b%0D%0a%2Fc%") "\r\n\r\n--xyz--", "f|a\"b\r\n%2Fc%|text/plain=;");
    check("--xyz\r\n" FILE_("a\\\"b\\\\c\\d") "\r\n\r\n--xyz--", "f|a\"b\\c\\d|text/plain=;");
    check("--xyz\r\n" FILE_("M\xc3\xbcller; name=x.pdf") "\r\n\r\n--xyz--",
          "f|M\xc3\xbcller; name=x.pdf|text/plain=;");
    check("--xyz\r\ncontent-disposition:FORM-DATA ;filename=b.c ; NAME=a\r\nX-Other: "
          "1\r\n\r\n\r\n--xyz--",
          "a|b.c|text/plain=;");
    check("--xyz\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''x\r\n\r\n\r\n--xyz--",
          "a|-|text/plain=;");
}

static void headers_that_are_none(void **state)
{
    static const char *const headers[] = {
        "",
        "Content-Type: text/plain\r\n",
        "Content-Disposition: form-data\r\n",
        "Content-Disposition: form-data; name=\"\"\r\n",
        "Content-Disposition: attachment; name=\"a\"\r\n",
        "Content-Disposition: form-data; name=\"a\r\n",
        "Content-Disposition: form-data; name=\"a\"x\r\n",
        "Content-Disposition: form-data; name=\"a\"; =b\r\n",
        "Content-Disposition: form-data; name=\"a\"; name=\"b\"\r\n",
        "Content-Disposition: form-data; name=\"a\"; filename\r\n",
        FIELD("a") FIELD("b"),
        FIELD("a") "no header\r\n",
        FIELD("a") ": empty name\r\n",
        FIELD("a") " folded: line\r\n",
        FIELD("a") "X: bare\nY: LF\r\n",
        FIELD("a") "X: bare\rCR\r\n",
        FIELD("a") "Content-Transfer-Encoding: base64\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        check(apr_pstrcat(pool, "--xyz\r\n", headers[i], "\r\n1\r\n--xyz--", NULL), "BAD_REQUEST");
}

static void bodies_that_are_none(void **state)
{
    static const char *const bodies[] = {
        "",
        "--xyz",
        "--xyz-",
        "--xyz-x",
        "--xyz\n",
        "--xyz\rx",
        "--xyzz\r\n",
        "--xyz -\r\n",
        "--xyz\r\n",
        "--xyz\r\n" FIELD("a"),
        "--xyz\r\n" FIELD("a") "\r\n1",
        "--xyz\r\n" FIELD("a") "\r\n1\r\n--xyz",
        "--xyz\r\n" FIELD("a") "\r\n1\n--xyz--\n",
        "a--xyz--\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        check(bodies[i], "BAD_REQUEST");
}

static void a_nul_in_a_header(void **state)
{
    static const char body[] = "--xyz\r\n" FIELD("a") "X: y\0z\r\n\r\n1\r\n--xyz--";
    story_t story;

    (void)state;
    assert_string_equal(
        result(&story, parse(&story, TYPE, body, sizeof body - 1, (size_t[2]){0, 0}, sizeof body)),
        "BAD_REQUEST");
}

static void errors_of_the_handler(void **state)
{
    static const char body[] = "--xyz\r\n" FIELD("fail") "\r\n1\r\n--xyz--";
    kz_multipart_t *parser;
    story_t story = {.fail_with = KZ_ERR_CONFLICT};
    kz_err_t *err;

    (void)state;
    assert_null(kz_multipart_create(&parser, TYPE, &limits, &handler, &story, pool));
    err = kz_multipart_feed(parser, body, sizeof body - 1);
    assert_int_equal(kz_err_code(err), KZ_ERR_CONFLICT);
    kz_err_free(err);
    err = kz_multipart_feed(parser, body, 1);
    assert_int_equal(kz_err_code(err), KZ_ERR_BAD_REQUEST);
    kz_err_free(err);
    err = kz_multipart_finish(parser);
    assert_int_equal(kz_err_code(err), KZ_ERR_BAD_REQUEST);
    kz_err_free(err);
}

static char *repeated(const char *text, int times)
{
    size_t len = strlen(text);
    char *all = apr_palloc(pool, len * (size_t)times + 1);

    for (int i = 0; i < times; i++)
        memcpy(all + len * (size_t)i, text, len);
    all[len * (size_t)times] = '\0';
    return all;
}

static void limits_hold(void **state)
{
    static const char part[] = "--xyz\r\n" FIELD("a") "\r\n1\r\n";
    char *hundred = repeated(part, 100);
    story_t story;
    const char *many;

    (void)state;
    check(apr_pstrcat(pool, "--xyz\r\n", "X: ", repeated("x", 400), NULL), "TOO_LARGE");
    check(apr_pstrcat(pool, "--xyz", repeated(" ", 401), NULL), "TOO_LARGE");
    check(apr_pstrcat(pool, "--xyz\r\nContent-Disposition: form-data; name=", repeated("x", 256),
                      "\r\n\r\n1\r\n--xyz--", NULL),
          "BAD_REQUEST");
    many = apr_pstrcat(pool, hundred, "--xyz--", NULL);
    kz_err_free(parse(&story, TYPE, many, strlen(many), (size_t[2]){0, 0}, 8000));
    assert_int_equal(story.parts, 100);
    many = repeated(part, 10000);
    assert_string_equal(
        result(&story, parse(&story, TYPE, many, strlen(many), (size_t[2]){0, 0}, 8000)),
        "TOO_LARGE");
    assert_int_equal(story.parts, 100);
}

static void boundaries(void **state)
{
    const char *seventy = repeated("b", 70);
    struct {
        const char *type;
        const char *expected;
    } types[] = {
        {NULL, "MEDIA_TYPE"},
        {"", "MEDIA_TYPE"},
        {"application/x-www-form-urlencoded", "MEDIA_TYPE"},
        {"multipart/form-database; boundary=a", "MEDIA_TYPE"},
        {"multipart/mixed; boundary=a", "MEDIA_TYPE"},
        {"multipart/form-data", "BAD_REQUEST"},
        {"multipart/form-data; boundary=", "BAD_REQUEST"},
        {"multipart/form-data; boundary=\"\"", "BAD_REQUEST"},
        {"multipart/form-data; boundary=a; boundary=b", "BAD_REQUEST"},
        {"multipart/form-data; boundary=\"a ", "BAD_REQUEST"},
        {"multipart/form-data; boundary=\"a \"", "BAD_REQUEST"},
        {"multipart/form-data; boundary=a\r\nb", "BAD_REQUEST"},
        {"multipart/form-data; boundary=\xc3\xbc", "BAD_REQUEST"},
        {apr_pstrcat(pool, "multipart/form-data; boundary=", seventy, "b", NULL), "BAD_REQUEST"},
    };
    story_t story;
    const char *body = apr_pstrcat(pool, "--", seventy, "--", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        kz_multipart_t *parser;
        kz_err_t *err =
            kz_multipart_create(&parser, types[i].type, &limits, &handler, &story, pool);

        assert_non_null(err);
        assert_string_equal(kz_err_name(kz_err_code(err)), types[i].expected);
        kz_err_free(err);
    }
    assert_null(parse(&story, apr_pstrcat(pool, "multipart/form-data; boundary=", seventy, NULL),
                      body, strlen(body), (size_t[2]){0, 0}, 7));
    assert_null(parse(&story, "Multipart/Form-Data ;charset=utf-8; Boundary=\"a b:\";", "--a b:--",
                      8, (size_t[2]){0, 0}, 3));
}

/* A file that consists of starts of boundaries, in pieces of the size that httpd uses. */
static void much_data(void **state)
{
    static const char head[] = "--xyz\r\n" FILE_("a") "\r\n", tail[] = "\r\n--xyz--\r\n";
    const char *data = repeated("\r\n--xy\r\n--\r\n\r", 100000);
    size_t len = strlen(data);
    const char *body = apr_pstrcat(pool, head, data, tail, NULL);
    story_t story;

    (void)state;
    for (size_t step = 7990; step < 8010; step++) {
        assert_null(parse(&story, TYPE, body, strlen(body), (size_t[2]){0, 0}, step));
        assert_int_equal(story.data, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_files),
        cmocka_unit_test(line_ends_of_data_are_data),
        cmocka_unit_test(what_looks_like_a_boundary),
        cmocka_unit_test(preamble_epilogue_and_padding),
        cmocka_unit_test(parts_without_a_body),
        cmocka_unit_test(names_as_browsers_write_them),
        cmocka_unit_test(headers_that_are_none),
        cmocka_unit_test(bodies_that_are_none),
        cmocka_unit_test(a_nul_in_a_header),
        cmocka_unit_test(errors_of_the_handler),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(much_data),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
