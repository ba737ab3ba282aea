/* Templates: each rule of the Mustache specification that the pages rely on, invalid templates, and
 * the bounds of rendering. With KZ_MUSTACHE_SPEC (a folder made by mustache_spec) also the
 * specification's own cases. */
#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

static apr_pool_t *pool;

typedef struct case_t {
    const char *what;
    const char *source;
    const char *view;
    const char *partials; /* NULL: none */
    const char *expected;
} case_t;

static const case_t cases[] = {
    {"no tags", "Hello", "{}", NULL, "Hello"},
    {"a variable", "Hello, {{name}}!", "{\"name\":\"Muster\"}", NULL, "Hello, Muster!"},
    {"blanks in a tag", "|{{ a }}|{{{ a }}}|{{& a }}|{{\na\n}}|", "{\"a\":\"x\"}", NULL,
     "|x|x|x|x|"},
    {"escaped", "{{a}}", "{\"a\":\"& < > \\\" '\"}", NULL, "&amp; &lt; &gt; &quot; &#39;"},
    {"not escaped", "{{{a}}} {{&a}}", "{\"a\":\"<b>\"}", NULL, "<b> <b>"},
    {"not escaped twice", "{{a}}", "{\"a\":\"&amp;\"}", NULL, "&amp;amp;"},
    {"beyond ASCII", "{{a}}ü", "{\"a\":\"Müller \\u20ac\"}", NULL, "Müller €ü"},
    {"numbers", "{{i}} {{r}} {{n}}", "{\"i\":85,\"r\":1.21,\"n\":-3}", NULL, "85 1.21 -3"},
    {"what does not print", "|{{n}}{{t}}{{f}}{{a}}{{o}}{{m}}|",
     "{\"n\":null,\"t\":true,\"f\":false,\"a\":[1],\"o\":{\"x\":1}}", NULL, "||"},
    {"dotted names", "{{a.b.c}}|{{a.b.x}}|{{a.x.c}}", "{\"a\":{\"b\":{\"c\":\"C\"}}}", NULL, "C||"},
    {"a dotted name is no key", "{{a.b}}", "{\"a.b\":\"key\",\"a\":{\"b\":\"path\"}}", NULL,
     "path"},
    {"only the first part goes outwards", "{{#a}}{{b.c}}{{/a}}",
     "{\"a\":{\"b\":{}},\"b\":{\"c\":\"wrong\"}}", NULL, ""},
    {"null hides what is further out", "{{#a}}|{{x}}|{{/a}}", "{\"a\":{\"x\":null},\"x\":1}", NULL,
     "||"},
    {"interpolation keeps blanks", "| {{a}} |\n {{a}}\n", "{\"a\":\"-\"}", NULL, "| - |\n -\n"},
    {"sections", "{{#yes}}a{{/yes}}{{#no}}b{{/no}}{{#nil}}c{{/nil}}{{#gone}}d{{/gone}}",
     "{\"yes\":true,\"no\":false,\"nil\":null}", NULL, "a"},
    {"empty text and zero are true", "{{#s}}s{{/s}}{{#z}}z{{/z}}{{^s}}S{{/s}}",
     "{\"s\":\"\",\"z\":0}", NULL, "sz"},
    {"a section is a context", "{{#a}}{{b}}{{c}}{{/a}}{{b}}", "{\"a\":{\"b\":1},\"b\":2,\"c\":3}",
     NULL, "132"},
    {"lists", "{{#a}}({{n}}){{/a}}", "{\"a\":[{\"n\":1},{\"n\":2},{\"n\":3}]}", NULL, "(1)(2)(3)"},
    {"empty lists", "|{{#a}}x{{/a}}{{^a}}none{{/a}}|", "{\"a\":[]}", NULL, "|none|"},
    {"implicit iterator", "{{#a}}({{.}}){{/a}}", "{\"a\":[\"x\",\"<\",3]}", NULL, "(x)(&lt;)(3)"},
    {"implicit iterator, raw", "{{#a}}{{{.}}}{{&.}}{{/a}}", "{\"a\":[\"<\"]}", NULL, "<<"},
    {"lists of lists", "{{#a}}({{#.}}{{.}}{{/.}}){{/a}}", "{\"a\":[[1,2],[3]]}", NULL, "(12)(3)"},
    {"from a scalar outwards", "{{#a}}{{b}}{{/a}}", "{\"a\":[1,\"x\"],\"b\":\"B\"}", NULL, "BB"},
    {"sections in sections", "{{#a}}{{#b}}{{x}}{{y}}{{/b}}{{/a}}",
     "{\"a\":{\"x\":1},\"b\":{\"y\":2}}", NULL, "12"},
    {"dotted sections", "{{#a.b}}x{{/a.b}}{{#a.c}}y{{/a.c}}{{^a.c}}z{{/a.c}}",
     "{\"a\":{\"b\":true}}", NULL, "xz"},
    {"inverted", "{{^a}}x{{/a}}{{^b}}y{{/b}}", "{\"a\":false,\"b\":{\"c\":1}}", NULL, "x"},
    {"comments", "1{{! no\nmore }}2{{!}}3", "{}", NULL, "123"},
    {"standalone comment", "a\n  {{! x\n y }}  \nb", "{}", NULL, "a\nb"},
    {"standalone sections", "a\n {{#x}} \nb\n {{/x}}\t\nc", "{\"x\":true}", NULL, "a\nb\nc"},
    {"standalone, CRLF", "a\r\n{{#x}}\r\nb\r\n{{/x}}\r\nc", "{\"x\":true}", NULL, "a\r\nb\r\nc"},
    {"standalone, first and last line", "  {{#x}}\nb\n{{/x}}", "{\"x\":true}", NULL, "b\n"},
    {"inverted, standalone", "a\n{{^x}}\nb\n{{/x}}\nc", "{}", NULL, "a\nb\nc"},
    {"not standalone: a variable", "a\n  {{x}}\nb", "{}", NULL, "a\n  \nb"},
    {"not standalone: two tags", "  {{#x}}{{/x}}\n", "{\"x\":true}", NULL, "  \n"},
    {"not standalone: text", "a {{#x}}\nb{{/x}}\n", "{\"x\":true}", NULL, "a \nb\n"},
    {"a lone CR ends no line", "{{#x}}\ry{{/x}}", "{\"x\":true}", NULL, "\ry"},
    {"partials", "[{{>p}}]", "{\"a\":\"x\"}", "{\"p\":\"*{{a}}*\"}", "[*x*]"},
    {"a missing partial", "[{{>p}}]", "{}", "{}", "[]"},
    {"a partial that includes itself", "{{>p}}", "{\"x\":1,\"n\":[{\"x\":2,\"n\":[]}]}",
     "{\"p\":\"{{x}}<{{#n}}{{>p}}{{/n}}>\"}", "1<2<>>"},
    {"partials keep blanks", "| {{>p}} |", "{}", "{\"p\":\"\\t|\\t\"}", "| \t|\t |"},
    {"a partial's line is not indented inside", "  {{a}}  {{>p}}\n", "{\"a\":\"|\"}",
     "{\"p\":\">\\n>\"}", "  |  >\n>\n"},
    {"standalone partial", "|\r\n{{>p}}\r\n|", "{}", "{\"p\":\">\"}", "|\r\n>|"},
    {"standalone partial, first line", "  {{>p}}\n>", "{}", "{\"p\":\">\\n>\"}", "  >\n  >>"},
    {"standalone partial, last line", ">\n  {{>p}}", "{}", "{\"p\":\">\\n>\"}", ">\n  >\n  >"},
    {"indented partial, its values not", "\\\n {{>p}}\n/\n", "{\"a\":\"<\\n->\"}",
     "{\"p\":\"|\\n{{{a}}}\\n|\\n\"}", "\\\n |\n <\n->\n |\n/\n"},
    {"indented in an indented one", " {{>p}}\n", "{}",
     "{\"p\":\"a\\n  {{>q}}\\nb\\n\",\"q\":\"1\\n2\\n\"}", " a\n   1\n   2\n b\n"},
    {"not standalone in an indented one", " {{>p}}\n", "{}",
     "{\"p\":\"x {{>q}}\\ny\\n\",\"q\":\"1\\n2\\n\"}", " x 1\n2\n\n y\n"},
    {"indented, sections inside", " {{>p}}\n", "{\"x\":[1,2]}",
     "{\"p\":\"{{#x}}\\n<{{.}}>\\n{{/x}}\\n{{#x}}{{.}}{{/x}}\\nc\\n\"}", " <1>\n <2>\n 12\n c\n"},
    {"indented, a line begins with an end", " {{>p}}\n", "{\"x\":true}",
     "{\"p\":\"{{#x}}a\\n{{/x}}b\\n{{! c }}d\\n\"}", " a\n b\n d\n"},
    {"braces that are no tags", "{ {a} } }} {", "{}", NULL, "{ {a} } }} {"},
};

/* kz_template_once() with a view of jansson's; borrowed. */
static kz_err_t *render(const char **out, apr_size_t *len, const char *source, json_t *partials,
                        const json_t *view)
{
    kz_value_t value = kz_value_from_json(view, pool);

    return kz_template_once(out, len, source, partials, view ? &value : NULL, pool);
}

static void every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *view = json_loads(cases[i].view, 0, NULL), *partials = NULL;
        const char *out = NULL;
        apr_size_t len = 0;
        kz_err_t *err;

        if (cases[i].partials)
            partials = json_loads(cases[i].partials, 0, NULL);
        assert_non_null(view);
        err = render(&out, &len, cases[i].source, partials, view);
        if (err)
            fail_msg("%s: %s", cases[i].what, kz_err_detail(err));
        if (strcmp(out, cases[i].expected))
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].what, out, cases[i].expected);
        assert_int_equal(len, strlen(out));
        json_decref(view);
        json_decref(partials);
    }
}

static void refused(const char *source, const char *why)
{
    const char *out;
    apr_size_t len;
    kz_err_t *err = render(&out, &len, source, NULL, NULL);

    if (!err)
        fail_msg("accepted: %s", source);
    if (!strstr(kz_err_detail(err), why))
        fail_msg("%s: \"%s\" lacks \"%s\"", source, kz_err_detail(err), why);
    kz_err_free(err);
}

static void syntax_errors_name_the_line(void **state)
{
    (void)state;
    refused("a\nb {{", "template:2: this tag has no end");
    refused("{{{a}}", ":1: this tag has no end");
    refused("{{! a }", ":1: this tag has no end");
    refused("a\n{{#a}}\n", ":2: this section is never closed: a");
    refused("\n\n{{/a}}", ":3: closes no section: a");
    refused("{{#a}}\n{{#b}}\n{{/a}}{{/b}}", ":3: closes a, but b of line 2 is open");
    refused("{{!\n\n}}\n{{=<% %>=}}", ":4: delimiters cannot be changed");
    refused("{{<parent}}{{/parent}}", ":1: blocks and parents");
    refused("{{$block}}{{/block}}", ":1: blocks and parents");
    refused("{{}}", ":1: not a name");
    refused("{{a b}}", ":1: not a name: a b");
    refused("{{a..b}}", ":1: not a name");
    refused("{{.a}}", ":1: not a name");
    refused("{{a.}}", ":1: not a name");
    refused("{{>*a}}", ":1: not a name");
    refused("{{>.}}", ":1: not a name");
    refused("{{>../a}}", ":1: not a name");
    refused("{{a/b}}", ":1: not a name");
    refused("{{#a\xc3\xbc}}", ":1: not a name");
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

static void depth_is_bounded(void **state)
{
    char *deep = apr_pstrcat(pool, repeated("{{#a}}", 60), "x", repeated("{{/a}}", 60), NULL);
    json_t *view = json_pack("{s:b}", "a", 1), *partials = json_pack("{s:s}", "p", "{{>p}}");
    const char *out;
    apr_size_t len;
    kz_err_t *err;

    (void)state;
    assert_null(render(&out, &len, deep, NULL, view));
    assert_string_equal(out, "x");
    refused(repeated("{{#a}}", 65), "too many sections");
    refused(apr_pstrcat(pool, "{{", repeated("a.", 127), "ab}}", NULL), "not a name");
    err = render(&out, &len, "{{>p}}", partials, view);
    assert_non_null(err);
    assert_int_equal(kz_err_code(err), KZ_ERR_INTERNAL);
    kz_err_free(err);
    json_decref(view);
    json_decref(partials);
}

/* A list within itself: 200 times 200 times 200 rows of 10 bytes, and of no byte. */
static void size_and_work_are_bounded(void **state)
{
    json_t *list = json_array(), *view;
    const char *out;
    apr_size_t len;
    kz_err_t *err;

    (void)state;
    for (int i = 0; i < 200; i++)
        json_array_append_new(list, json_integer(i));
    view = json_pack("{s:o}", "a", list);
    err = render(&out, &len, "{{#a}}{{#a}}{{#a}}0123456789{{/a}}{{/a}}{{/a}}", NULL, view);
    assert_non_null(err);
    assert_non_null(strstr(kz_err_detail(err), "exceeds"));
    kz_err_free(err);
    err = render(&out, &len, "{{#a}}{{#a}}{{#a}}{{no}}{{/a}}{{/a}}{{/a}}", NULL, view);
    assert_non_null(err);
    assert_non_null(strstr(kz_err_detail(err), "too long"));
    kz_err_free(err);
    assert_null(render(&out, &len, "{{#a}}{{#a}}0123456789{{/a}}{{/a}}", NULL, view));
    assert_int_equal(len, 200 * 200 * 10);
    json_decref(view);
}

/* --- the specification's own cases ---------------------------------------------------- */

static int run_specified(const char *file, json_t *test)
{
    const char *out = "", *source = json_string_value(json_object_get(test, "template"));
    const char *expected = json_string_value(json_object_get(test, "expected"));
    apr_size_t len;
    kz_err_t *err = render(&out, &len, source, json_object_get(test, "partials"),
                           json_object_get(test, "data"));

    if (!err && strcmp(out, expected) == 0)
        return 0;
    print_error("%s: %s: \"%s\" instead of \"%s\"\n", file,
                json_string_value(json_object_get(test, "name")), err ? kz_err_detail(err) : out,
                expected);
    kz_err_free(err);
    return 1;
}

static void the_specification(void **state)
{
    static const char *const files[] = {"comments", "interpolation", "inverted", "partials",
                                        "sections"};
    const char *dir = getenv("KZ_MUSTACHE_SPEC");
    int wrong = 0, run = 0;

    (void)state;
    if (!dir)
        skip();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        json_t *spec =
            json_load_file(apr_pstrcat(pool, dir, "/", files[i], ".json", NULL), 0, NULL);
        json_t *test;
        size_t t;

        assert_non_null(spec);
        json_array_foreach(json_object_get(spec, "tests"), t, test)
        {
            wrong += run_specified(files[i], test);
            run++;
        }
        json_decref(spec);
    }
    assert_int_equal(wrong, 0);
    assert_true(run > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),        cmocka_unit_test(syntax_errors_name_the_line),
        cmocka_unit_test(depth_is_bounded),  cmocka_unit_test(size_and_work_are_bounded),
        cmocka_unit_test(the_specification),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
