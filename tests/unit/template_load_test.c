/* Templates of a folder, as they are installed: with layout and language, and the errors of
 * start-up. */
#include "template/template.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

static apr_pool_t *pool;

static const char *const names[] = {"count", "items", "name", "title"};
static char *folder;

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(apr_pstrcat(pool, folder, "/", name, NULL), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    fclose(file);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(apr_pstrcat(pool, folder, "/", name, NULL), 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    folder = apr_pstrdup(pool, "/tmp/kz-template-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    make_folder("page");
    make_folder("mail");
    make_folder("part");
    write_file("layout.html", "<html>\n{{>content}}\n</html>\n");
    write_file("page/home.html",
               "<h1>{{t.home.title}}</h1>\n<ul>\n{{#items}}\n  {{>part/row}}\n{{/items}}"
               "\n</ul>\n<p>{{t.home.count}}</p>\n");
    write_file("page/home.html~", "{{#not a template");
    write_file("part/row.html", "<li>{{name}}</li>\n");
    write_file("part/row.txt", "- {{name}}\n");
    write_file("mail/new.txt", "{{t.home.count}}\n{{#items}}\n{{>part/row}}\n{{/items}}\n");
    write_file("texts.de.json", "{\"home.title\":\"Guten <b>Tag</b>\",\n"
                                "\"home.count\":\"{{count}} Dokumente für {{name}}\"}");
    write_file("texts.en.json", "{\"home.title\":\"Welcome\",\n"
                                "\"home.count\":\"{{count}} documents for {{name}}\"}");
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static kz_templates_t *load(const char *language)
{
    kz_templates_t *templates = NULL;
    kz_err_t *err = kz_templates_load(&templates, folder, language, names, 4, pool);

    if (err)
        fail_msg("%s", kz_err_detail(err));
    return templates;
}

static void not_loaded(const char *why)
{
    kz_templates_t *templates;
    kz_err_t *err = kz_templates_load(&templates, folder, "de", names, 4, pool);

    if (!err)
        fail_msg("loaded, without \"%s\"", why);
    assert_int_equal(kz_err_code(err), KZ_ERR_CONFIG);
    if (!strstr(kz_err_detail(err), why))
        fail_msg("\"%s\" lacks \"%s\"", kz_err_detail(err), why);
    kz_err_free(err);
}

static kz_value_t home_view(void)
{
    json_t *json = json_pack("{s:i, s:s, s:[{s:s},{s:s}]}", "count", 2, "name", "A & B", "items",
                             "name", "<1>", "name", "2");
    kz_value_t view = kz_value_from_json(json, pool);

    json_decref(json);
    return view;
}

static void pages_come_in_their_layout_and_language(void **state)
{
    kz_templates_t *german = load("de"), *english = load("en");
    kz_value_t view = home_view();
    kz_rendered_t out;

    (void)state;
    assert_null(kz_templates_render(&out, german, "page/home.html", "layout.html", &view, pool));
    assert_string_equal(out.text, "<html>\n<h1>Guten <b>Tag</b></h1>\n<ul>\n<li>&lt;1&gt;</li>\n"
                                  "<li>2</li>\n</ul>\n<p>2 Dokumente für A &amp; B</p>\n</html>\n");
    assert_int_equal(out.len, strlen(out.text));
    assert_null(kz_templates_render(&out, english, "part/row.html", NULL, &view, pool));
    assert_string_equal(out.text, "<li>A &amp; B</li>\n");
    assert_null(kz_templates_render(&out, english, "mail/new.txt", NULL, &view, pool));
    assert_string_equal(out.text, "2 documents for A & B\n- <1>\n- 2\n");
}

static void texts_alone(void **state)
{
    kz_templates_t *templates = load("de");
    kz_value_t view = home_view();
    const char *out;
    kz_err_t *err;

    (void)state;
    assert_null(kz_templates_text(&out, templates, "home.count", &view, pool));
    assert_string_equal(out, "2 Dokumente für A & B");
    err = kz_templates_text(&out, templates, "home.gone", &view, pool);
    assert_non_null(err);
    assert_int_equal(kz_err_code(err), KZ_ERR_INTERNAL);
    kz_err_free(err);
}

static void rendering_what_is_not_there(void **state)
{
    static const char *const pairs[][2] = {{"page/gone.html", NULL},
                                           {"page/home.html", "gone.html"},
                                           {"page/home.html", "part/row.html"},
                                           {"layout.html", NULL}};
    kz_templates_t *templates = load("de");
    kz_rendered_t out;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        kz_err_t *err = kz_templates_render(&out, templates, pairs[i][0], pairs[i][1], NULL, pool);

        assert_non_null(err);
        assert_int_equal(kz_err_code(err), KZ_ERR_INTERNAL);
        kz_err_free(err);
    }
}

static void start_up_refuses_wrong_pages(void **state)
{
    (void)state;
    write_file("page/z.html", "\n{{#items}}{{nmae}}{{/items}}");
    not_loaded("page/z.html:2: no view has this name: nmae");
    write_file("page/z.html", "\n{{#items}}{{.}}{{/items}}{{items.nam}}");
    not_loaded("page/z.html:2: no view has this name: items.nam");
    write_file("page/z.html", "{{^nam}}{{/nam}}");
    not_loaded("page/z.html:1: no view has this name: nam");
    write_file("page/z.html", "\n\n{{t.home.gone}}");
    not_loaded("page/z.html:3: this text is missing: t.home.gone");
    write_file("page/z.html", "{{#t.home.title}}{{/t.home.title}}");
    not_loaded("page/z.html:1: a text cannot be a section");
    write_file("page/z.html", "\n{{>part/gone}}");
    not_loaded("page/z.html:2: this partial is missing: part/gone");
    write_file("page/z.html", "\n{{>row}}");
    not_loaded("page/z.html:2: this partial is missing: row");
    write_file("page/z.html", "{{>page/home}}");
    not_loaded("page/z.html:1: this partial is missing: page/home");
    write_file("page/z.html", "{{>content}}");
    not_loaded("page/z.html:1: only a layout has this partial");
    write_file("page/z.html", "{{#items}}\n");
    not_loaded("page/z.html:1: this section is never closed: items");
    write_file("page/z.html", "\xff");
    not_loaded("page/z.html: not UTF-8");
    write_file("page/z.html", "{{name}}{{#items}}{{.}}{{items.name}}{{/items}}{{>part/row}}");
    load("de");
}

static void start_up_refuses_partials_in_circles(void **state)
{
    (void)state;
    write_file("part/self.html", "\n{{>part/self}}");
    not_loaded("part/self.html:2: this partial includes itself: part/self");
    write_file("part/self.html", "{{>part/other}}");
    write_file("part/other.html", "{{#items}}{{>part/self}}{{/items}}");
    not_loaded("this partial includes itself");
    write_file("part/other.html", "{{>part/row}}{{>part/row}}");
    load("de");
}

static void start_up_refuses_wrong_texts(void **state)
{
    (void)state;
    write_file("texts.de.json", "{\"home.title\":\"x\",\"home.count\":\"{{cuont}}\"}");
    not_loaded("texts.de.json: home.count:1: no view has this name: cuont");
    write_file("texts.de.json", "{\"home.title\":\"x\",\"home.count\":\"{{t.home.title}}\"}");
    not_loaded("home.count:1: a text cannot be within a text");
    write_file("texts.de.json", "{\"home.title\":\"x\",\"home.count\":\"{{>part/row}}\"}");
    not_loaded("home.count:1: a text cannot have partials");
    write_file("texts.de.json", "{\"home.title\":\"x\",\"home.count\":\"{{\"}");
    not_loaded("home.count:1: this tag has no end");
    write_file("texts.de.json", "{\"home.title\":\"\",\"home.count\":\"x\"}");
    not_loaded("home.title: this text is empty");
    write_file("texts.de.json", "{\"home.title\":7,\"home.count\":\"x\"}");
    not_loaded("home.title: this text is empty");
    write_file("texts.de.json", "[]");
    not_loaded("texts.de.json: not an object");
    write_file("texts.de.json", "{\n\"a\":");
    not_loaded("texts.de.json:2:");
    remove(apr_pstrcat(pool, folder, "/texts.de.json", NULL));
    not_loaded("texts.de.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_come_in_their_layout_and_language, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rendering_what_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(start_up_refuses_wrong_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(start_up_refuses_partials_in_circles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(start_up_refuses_wrong_texts, set_up, tear_down),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
