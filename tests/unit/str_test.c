/* Strings: encodings, UUIDs, UTF-8, and Content-Disposition. */
#include "base/str.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>
#include <sodium.h>

static apr_pool_t *pool;

static void hex_and_base64url(void **state)
{
    static const unsigned char bytes[] = {0x00, 0xfb, 0xff, 0x10, 0x7f};

    (void)state;
    assert_string_equal(kz_str_hex(bytes, sizeof bytes, pool), "00fbff107f");
    assert_string_equal(kz_str_hex(bytes, 0, pool), "");
    assert_string_equal(kz_str_base64url(bytes, sizeof bytes, pool), "APv_EH8");
    assert_string_equal(kz_str_base64url(bytes, 0, pool), "");
}

static void base64_is_decoded(void **state)
{
    static const char *const coded[] = {"", "AA==", "APs=", "APv/", "APv/EA==", "APv/EH8="};
    static const unsigned char bytes[] = {0x00, 0xfb, 0xff, 0x10, 0x7f};
    unsigned char *back;
    size_t len;

    (void)state;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        assert_null(kz_str_base64_decode(&back, &len, coded[size], strlen(coded[size]), pool));
        assert_int_equal(len, size);
        assert_memory_equal(back, bytes, size);
    }
}

static void base64_is_strict(void **state)
{
    static const char *const wrong[] = {"A",
                                        "AA",
                                        "AA=",
                                        "A+v_",
                                        "A-v/",
                                        "AP v",
                                        "AB==",
                                        "AAB=",
                                        "\xff===",
                                        "AAA",
                                        "AAAA=",
                                        "AAAA\n",
                                        ("AA\x80"
                                         "A")};
    unsigned char *back;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kz_err_t *err = kz_str_base64_decode(&back, &len, wrong[i], strlen(wrong[i]), pool);

        if (!err)
            fail_msg("accepted: %s", wrong[i]);
        assert_int_equal(kz_err_code(err), KZ_ERR_BAD_REQUEST);
        kz_err_free(err);
    }
}

static void uuids(void **state)
{
    static const char *const wrong[] = {"",
                                        "01890a5d-ac96-774b-bcce-b302099a805",
                                        "01890a5d-ac96-774b-bcce-b302099a80577",
                                        "01890a5dac96-774b-bcce-b302099a8057--",
                                        "01890A5D-ac96-774b-bcce-b302099a8057",
                                        "01890a5g-ac96-774b-bcce-b302099a8057",
                                        "../../../../../../../../etc/passwd-x"};
    char before[KZ_STR_UUID_SIZE], now[KZ_STR_UUID_SIZE], *end;
    long long milliseconds;

    (void)state;
    kz_str_uuid_v7(before);
    for (int i = 0; i < 100000; i++) {
        kz_str_uuid_v7(now);
        assert_true(strcmp(before, now) < 0);
        memcpy(before, now, sizeof before);
    }
    assert_true(kz_str_is_uuid(now));
    assert_int_equal(now[14], '7');
    assert_non_null(strchr("89ab", now[19]));
    memmove(now + 8, now + 9, 4); /* the first 48 bits are the milliseconds */
    now[12] = '\0';
    milliseconds = strtoll(now, &end, 16);
    assert_int_equal(*end, '\0');
    assert_in_range(llabs(milliseconds - (long long)time(NULL) * 1000), 0, 5000);
    assert_true(kz_str_is_uuid("01890a5d-ac96-774b-bcce-b302099a8057"));
    assert_false(kz_str_is_uuid(NULL));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(kz_str_is_uuid(wrong[i]));
}

#define MANY 20000

static void *make_many(void *ids)
{
    for (int i = 0; i < MANY; i++)
        kz_str_uuid_v7((char *)ids + i * KZ_STR_UUID_SIZE);
    return NULL;
}

static int compare_starts(const void *one, const void *other)
{
    return memcmp(one, other, 18);
}

/* No two threads get the same time in their UUIDs, so each UUID is greater than those before. */
static void uuids_of_several_threads(void **state)
{
    char *ids = malloc((size_t)4 * MANY * KZ_STR_UUID_SIZE);
    pthread_t threads[4];

    (void)state;
    assert_non_null(ids);
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, make_many, ids + (size_t)i * MANY * KZ_STR_UUID_SIZE),
            0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, 4 * MANY, KZ_STR_UUID_SIZE, compare_starts);
    for (int i = 1; i < 4 * MANY; i++)
        assert_true(compare_starts(ids + (size_t)(i - 1) * KZ_STR_UUID_SIZE,
                                   ids + (size_t)i * KZ_STR_UUID_SIZE) < 0);
    free(ids);
}

static void secrets(void **state)
{
    (void)state;
    assert_true(kz_str_equal_secret("abc", "abc"));
    assert_true(kz_str_equal_secret("", ""));
    assert_false(kz_str_equal_secret("abc", "abd"));
    assert_false(kz_str_equal_secret("abc", "ab"));
    assert_false(kz_str_equal_secret("ab", "abc"));
    assert_false(kz_str_equal_secret(NULL, NULL));
    assert_false(kz_str_equal_secret("", NULL));
}

static void utf8(void **state)
{
    static const char *const good[] = {"", "abc\x7f", "\xc2\x80\xdf\xbf",
                                       "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",
        "\xc2",         "\xc2 ",        "\xe0\x9f\xbf",     "\xe0\xa0",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
        "\xfe",         "\xff",         "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "a\xe2\x82",    "\xe2\x28\xa1", "\xf0\x28\x8c\xbc",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(kz_str_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        /* An allocation of just that size, so that AddressSanitizer sees a byte too many. */
        char *copy = malloc(strlen(bad[i]));

        memcpy(copy, bad[i], strlen(bad[i]));
        if (kz_str_is_utf8(copy, strlen(bad[i])))
            fail_msg("taken for UTF-8: sample %zu", i);
        free(copy);
    }
    assert_true(kz_str_is_utf8("a\0b", 3));
}

static void content_disposition(void **state)
{
    static const struct {
        kz_str_disposition_t disposition;
        const char *name;
        const char *header;
    } names[] = {
        {KZ_STR_ATTACHMENT, "a b.pdf", "attachment; filename=\"a b.pdf\""},
        {KZ_STR_INLINE, "a.pdf", "inline; filename=\"a.pdf\""},
        {KZ_STR_ATTACHMENT, "Müller €.pdf",
         "attachment; filename=\"M_ller _.pdf\"; filename*=UTF-8''M%C3%BCller%20%E2%82%AC.pdf"},
        {KZ_STR_ATTACHMENT, "a\"b\\c%20d'e",
         "attachment; filename=\"a_b_c_20d'e\"; filename*=UTF-8''a%22b%5Cc%2520d%27e"},
        {KZ_STR_ATTACHMENT, "a\r\nX: y;(z)*",
         "attachment; filename=\"a__X: y;(z)*\"; filename*=UTF-8''a%0D%0AX%3A%20y%3B%28z%29%2A"},
        {KZ_STR_ATTACHMENT, "\xf0\x9f\x93\x84",
         "attachment; filename=\"_\"; filename*=UTF-8''%F0%9F%93%84"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(kz_str_content_disposition(names[i].disposition, names[i].name, pool),
                            names[i].header);
}

static void paths_below(void **state)
{
    static const char *const below[] = {"/k/muster/", "/k/muster/documents?q=../..&x=//y",
                                        "/k/muster/a.b/c", "/k/muster/?a#b"};
    static const char *const elsewhere[] = {"",
                                            "/",
                                            "/k/muster",
                                            "/k/muster2/",
                                            "/k/andere/",
                                            "k/muster/",
                                            "//k/muster/",
                                            "https://x/k/muster/",
                                            "/k/muster/..",
                                            "/k/muster/../andere/",
                                            "/k/muster/a/%2E%2e/b",
                                            "/k/muster/.%2e/b",
                                            "/k/muster/\\boese",
                                            "/k/muster/a b",
                                            "/k/muster/\r\nX: y",
                                            "/k/muster/\xc3\xa4"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof below / sizeof *below; i++)
        assert_true(kz_str_is_path_below(below[i], "/k/muster"));
    for (i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        assert_false(kz_str_is_path_below(elsewhere[i], "/k/muster"));
    assert_false(kz_str_is_path_below("//host/", ""));
    assert_false(kz_str_is_path_below("/anything", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_and_base64url),
        cmocka_unit_test(base64_is_decoded),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(uuids),
        cmocka_unit_test(uuids_of_several_threads),
        cmocka_unit_test(secrets),
        cmocka_unit_test(utf8),
        cmocka_unit_test(content_disposition),
        cmocka_unit_test(paths_below),
    };
    int failed;

    if (sodium_init() < 0)
        return 1;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
