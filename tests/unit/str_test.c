/* Strings: encodings, UUIDs, UTF-8, and hostile names of files. */
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
    unsigned char *back;
    size_t len;

    (void)state;
    assert_string_equal(kz_str_hex(bytes, sizeof bytes, pool), "00fbff107f");
    assert_string_equal(kz_str_hex(bytes, 0, pool), "");
    assert_string_equal(kz_str_base64url(bytes, sizeof bytes, pool), "APv_EH8");
    assert_string_equal(kz_str_base64url(bytes, 0, pool), "");
    for (size_t size = 0; size <= sizeof bytes; size++) {
        assert_null(
            kz_str_base64url_decode(&back, &len, kz_str_base64url(bytes, size, pool), pool));
        assert_int_equal(len, size);
        assert_memory_equal(back, bytes, size);
    }
}

static void base64url_is_strict(void **state)
{
    static const char *const wrong[] = {"A",
                                        "AA==",
                                        "A+v_",
                                        "A/v_",
                                        "AP v",
                                        "AB",
                                        "AAB",
                                        "\xff",
                                        "AAA=",
                                        "AAAA\n",
                                        "AA\x80"
                                        "A"};
    unsigned char *back;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kz_err_t *err = kz_str_base64url_decode(&back, &len, wrong[i], pool);

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

/* No two threads get the same time in their UUIDs, so each is greater than what was there before.
 */
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

static void file_names(void **state)
{
    static const struct {
        const char *name;
        const char *kept;
    } names[] = {
        {"Rechnung 12.pdf", "Rechnung 12.pdf"},
        {"Müller & Söhne <1>.pdf", "Müller & Söhne <1>.pdf"},
        {"../../etc/passwd", "passwd"},
        {"C:\\Users\\maria\\Steuer.pdf", "Steuer.pdf"},
        {"a/b\\c", "c"},
        {"folder/", "unbenannt"},
        {"", "unbenannt"},
        {".", "unbenannt"},
        {"..", "unbenannt"},
        {" \t ", "unbenannt"},
        {"\xc2\xa0\xe2\x80\x83\xe3\x80\x80", "unbenannt"},
        {"\xe2\x80\x8b\xef\xbb\xbf", "unbenannt"},
        {".htaccess", ".htaccess"},
        {"  a b  ", "a b"},
        {"a.pdf. . .", "a.pdf"},
        {"a\r\nSet-Cookie: x\x01\x7f.pdf", "aSet-Cookie: x.pdf"},
        {"a\xc2\x85\xc2\x9f"
         "b",
         "ab"},
        {"rechnung\xe2\x80\xae"
         "fdp.exe",
         "rechnungfdp.exe"},
        {"\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c"
         "a",
         "a"},
        {"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad"
         "a",
         "a"},
        {"a\xc2\xad\xe2\x80\xa8\xe2\x80\xa9\xf3\xa0\x81\x81"
         "b",
         "ab"},
        {"a\xff"
         "b\xc3.pdf",
         "a\xef\xbf\xbd"
         "b\xef\xbf\xbd.pdf"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.pdf", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.pdf"},
        {"\xf0\x9f\x93\x84.pdf", "\xf0\x9f\x93\x84.pdf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(kz_str_file_name(names[i].name, strlen(names[i].name), pool),
                            names[i].kept);
    assert_string_equal(kz_str_file_name("a\0/b\0c", 6, pool), "bc");
    assert_string_equal(kz_str_file_name(NULL, 0, pool), "unbenannt");
}

static char *repeated(const char *text, int times, const char *tail)
{
    size_t len = strlen(text);
    char *all = apr_palloc(pool, len * (size_t)times + strlen(tail) + 1);

    for (int i = 0; i < times; i++)
        memcpy(all + len * (size_t)i, text, len);
    strcpy(all + len * (size_t)times, tail);
    return all;
}

static void long_file_names(void **state)
{
    static const struct {
        const char *unit;
        int times;
        const char *tail;
        size_t len;
        const char *kept_tail;
    } names[] = {
        {"a", 251, ".pdf", 255, "a.pdf"},
        {"a", 252, ".pdf", 255, "a.pdf"},
        {"a", 100000, ".pdf", 255, "a.pdf"},
        {"\xc3\xbc", 200, ".pdf", 254,
         "\xc3\xbc.pdf"}, /* 251 bytes are 125 characters and a half */
        {"\xe2\x82\xac", 200, "", 255, "\xe2\x82\xac"},
        {"\xf0\x9f\x93\x84", 200, "", 252, "\xf0\x9f\x93\x84"},
        {"\xff", 200, ".x", 254, "\xef\xbf\xbd.x"},
        {"a.", 200, "", 255, "a.a"},
        {".", 300, "pdf", 255, "..pdf"},
        {"a", 300, ".an extension that is none, as it is so long", 255, "a"},
        {" ", 300, "a.pdf", 5, "a.pdf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *name = repeated(names[i].unit, names[i].times, names[i].tail);
        const char *kept = kz_str_file_name(name, strlen(name), pool);
        size_t len = strlen(kept), tail = strlen(names[i].kept_tail);

        if (len != names[i].len || strcmp(kept + len - tail, names[i].kept_tail))
            fail_msg("name %zu: %zu bytes, %s", i, len, kept);
        assert_true(kz_str_is_utf8(kept, len));
    }
    /* What is cut off may leave blanks and dots at the end. */
    assert_string_equal(kz_str_file_name(repeated("x", 254, "  y"), 257, pool),
                        repeated("x", 254, ""));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_and_base64url),
        cmocka_unit_test(base64url_is_strict),
        cmocka_unit_test(uuids),
        cmocka_unit_test(uuids_of_several_threads),
        cmocka_unit_test(secrets),
        cmocka_unit_test(utf8),
        cmocka_unit_test(file_names),
        cmocka_unit_test(long_file_names),
        cmocka_unit_test(content_disposition),
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
