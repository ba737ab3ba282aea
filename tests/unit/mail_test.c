#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "io/mail/mail.h"

#define FILE_MAX (1 << 20)

typedef struct fixture_t {
    apr_pool_t *pool;
    char folder[64];
    kz_mail_config_t config;
    kz_mail_t mail;
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof *f);

    apr_pool_create(&f->pool, NULL);
    snprintf(f->folder, sizeof f->folder, "/tmp/kz-mail-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->config.url = apr_pstrcat(f->pool, "dir:", f->folder, NULL);
    f->config.from = "portal@kanzlei.example";
    f->mail = (kz_mail_t){.to = "maria@example.org",
                          .to_name = "Maria Müller",
                          .from_name = "Kanzlei Groß & Söhne, \"Recht\"",
                          .reply_to = "kanzlei@gross.example",
                          .subject = "Neue Dokumente für Sie",
                          .text = "Guten Tag\n\nein Dokument für Sie.\n.\nGruß\n",
                          .html = "<p>ein Dokument für Sie</p>\n",
                          .message_id = "0001@kanzlei.example"};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    DIR *dir = opendir(f->folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        unlink(apr_pstrcat(f->pool, f->folder, "/", entry->d_name, NULL));
    if (dir)
        closedir(dir);
    rmdir(f->folder);
    apr_pool_destroy(f->pool);
    free(f);
    return 0;
}

static int count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static char *read_mail(fixture_t *f, const char *id)
{
    FILE *file = fopen(apr_pstrcat(f->pool, f->folder, "/", id, ".eml", NULL), "rb");
    char *bytes = apr_pcalloc(f->pool, FILE_MAX + 1);

    assert_non_null(file);
    assert_true(fread(bytes, 1, FILE_MAX, file) > 0);
    fclose(file);
    return bytes;
}

static void expect_error(kz_err_t *err, kz_err_code_t code)
{
    assert_non_null(err);
    assert_string_equal(kz_err_name(kz_err_code(err)), kz_err_name(code));
    kz_err_free(err);
}

static void good_addresses_are_taken(void **state)
{
    fixture_t *f = *state;
    const char *good[][2] = {
        {"a@b", "a@b"},
        {"maria.muster+post@mail.example.org", "maria.muster+post@mail.example.org"},
        {"o'neil@example.ie", "o'neil@example.ie"},
        {"post@müller.example", "post@xn--mller-kva.example"},
        {"post@groß.example", "post@xn--gro-7ka.example"}, /* IDNA 2008, not gross.example */
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *ascii = NULL;

        assert_null(kz_mail_address(&ascii, good[i][0], f->pool));
        assert_string_equal(ascii, good[i][1]);
    }
}

static void bad_addresses_are_refused(void **state)
{
    fixture_t *f = *state;
    char *long_local =
        apr_pstrcat(f->pool, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                    "aaaaaaaaa@example.org", NULL);
    const char *bad[] = {NULL,
                         "",
                         "maria",
                         "@example.org",
                         "maria@",
                         "maria@@example.org",
                         "maria@example.org,otto@example.org",
                         "maria@example.org otto@example.org",
                         "Maria <maria@example.org>",
                         "<maria@example.org>",
                         "maria@example.org\r\nBcc: otto@example.org",
                         "maria@example.org\n",
                         "maria\t@example.org",
                         ".maria@example.org",
                         "maria.@example.org",
                         "ma..ria@example.org",
                         "maria@-example.org",
                         "maria@example..org",
                         "maria@[127.0.0.1]",
                         "\"maria muster\"@example.org",
                         "mäx@example.org",
                         "maria@müller.example,otto@example.org",
                         "maria@müller.example\nBcc: otto@example.org",
                         "maria@mü ller.example",
                         "maria@example.org\xff",
                         long_local};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *ascii = NULL;

        kz_err_t *err = kz_mail_address(&ascii, bad[i], f->pool);

        if (!err)
            fail_msg("taken: %s", bad[i]);
        expect_error(err, KZ_ERR_INVALID);
    }
    f->mail.to = "maria@example.org,otto@example.org";
    expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_INVALID);
    f->mail.to = "maria@example.org";
    f->mail.reply_to = "nobody";
    expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_INVALID);
    assert_int_equal(count_files(f->folder), 0);
}

static void a_folder_gets_the_whole_message(void **state)
{
    fixture_t *f = *state;
    struct stat info;
    const char *bytes;

    assert_null(kz_mail_send(&f->config, &f->mail, f->pool));
    bytes = read_mail(f, "0001@kanzlei.example");
    assert_non_null(strstr(bytes, "Message-Id: <0001@kanzlei.example>\r\n"));
    assert_non_null(strstr(bytes, "Auto-Submitted: auto-generated\r\n"));
    assert_non_null(strstr(bytes, "<maria@example.org>\r\n"));
    assert_non_null(strstr(bytes, "Content-Type: multipart/alternative"));
    assert_null(strstr(bytes, "für")); /* 7 bit throughout: encoded in headers and parts */
    assert_non_null(strstr(bytes, "ein Dokument f=C3=BCr Sie"));
    for (const char *at = bytes; (at = strchr(at, '\n')); at++)
        assert_int_equal(at[-1], '\r');
    assert_int_equal(
        stat(apr_pstrcat(f->pool, f->folder, "/0001@kanzlei.example.eml", NULL), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    f->mail.subject = "Noch einmal";
    assert_null(kz_mail_send(&f->config, &f->mail, f->pool));
    assert_non_null(strstr(read_mail(f, "0001@kanzlei.example"), "Subject: Noch einmal\r\n"));
    assert_int_equal(count_files(f->folder), 1);
}

static void long_headers_are_folded(void **state)
{
    fixture_t *f = *state;
    char *subject = apr_pcalloc(f->pool, 401);
    const char *bytes, *end;

    for (int i = 0; i < 200; i++)
        memcpy(subject + i * 2, i % 10 == 9 ? " x" : "ü", 2);
    f->mail.subject = subject;
    assert_null(kz_mail_send(&f->config, &f->mail, f->pool));
    bytes = read_mail(f, "0001@kanzlei.example");
    for (; (end = strstr(bytes, "\r\n")) && end != bytes; bytes = end + 2)
        assert_true(end - bytes <= 78); /* RFC 5322 2.1.1, RFC 2047 2 */
}

static void headers_cannot_be_smuggled_in(void **state)
{
    fixture_t *f = *state;
    const char *evil[] = {"Hallo\r\nBcc: x@example.org",
                          "Hallo\nX: y",
                          "Hallo\rX",
                          "Hallo\x01",
                          "Hallo\x7f",
                          "\xff\xfe",
                          "a\xe2\x80\xa8 b"};
    const char *ids[] = {NULL,          "",           "noat",      "@x",          "a@",
                         "../a@x",      "a/b@x",      ".a@x",      "a@x\r\nX: y", "a@x>",
                         "a b@example", "a@exa/mple", "a@../../x", "a@b@c"};
    const char **fields[] = {&f->mail.subject, &f->mail.from_name, &f->mail.to_name};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *kept = *fields[i];

        for (size_t k = 0; k < sizeof evil / sizeof evil[0]; k++) {
            *fields[i] = evil[k];
            expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_INVALID);
        }
        *fields[i] = kept;
    }
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        f->mail.message_id = ids[i];
        expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_INVALID);
    }
    assert_int_equal(count_files(f->folder), 0);
}

static void a_bad_configuration_is_told_apart(void **state)
{
    fixture_t *f = *state;

    f->config.from = "nobody";
    expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_CONFIG);
    f->config.from = "portal@kanzlei.example";
    f->config.url = "http://localhost/";
    expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_CONFIG);
    f->config.url = NULL;
    expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_CONFIG);
    f->config.url = "dir:/nowhere/at/all";
    expect_error(kz_mail_send(&f->config, &f->mail, f->pool), KZ_ERR_MAIL);
}

static void no_address_is_in_an_error(void **state)
{
    fixture_t *f = *state;
    kz_err_t *err;

    f->config.url = "smtp://127.0.0.1:1"; /* tcpmux: nobody listens */
    f->config.password = "geheim-4711";
    f->config.user = "portal";
    err = kz_mail_send(&f->config, &f->mail, f->pool);
    assert_non_null(err);
    assert_null(strstr(kz_err_detail(err), "maria"));
    assert_null(strstr(kz_err_detail(err), "geheim"));
    expect_error(err, KZ_ERR_MAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_addresses_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_addresses_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_gets_the_whole_message, setup, teardown),
        cmocka_unit_test_setup_teardown(long_headers_are_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_cannot_be_smuggled_in, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_configuration_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(no_address_is_in_an_error, setup, teardown),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
