/* Texts that people type: names, numbers, passwords, and hostile names of files. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "base/str.h"

#define NBSP "\xc2\xa0"
#define NEL  "\xc2\x85"
#define SHY  "\xc2\xad"
#define ZWSP "\xe2\x80\x8b"
#define ZWNJ "\xe2\x80\x8c"
#define ZWJ  "\xe2\x80\x8d"
#define RLO  "\xe2\x80\xae"
#define LSEP "\xe2\x80\xa8"
#define PSEP "\xe2\x80\xa9"
#define BOM  "\xef\xbb\xbf"
#define VS16 "\xef\xb8\x8f"

static apr_pool_t *pool;

typedef struct pair_t {
    const char *typed;
    const char *folded; /* NULL: refused */
} pair_t;

typedef const char *folding_t(const char *text, size_t len, apr_pool_t *p);

static void check(folding_t *fold, const pair_t *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* A copy of just that size, so that AddressSanitizer sees a byte too many. */
        size_t len = strlen(pairs[i].typed);
        char *typed = memcpy(malloc(len + !len), pairs[i].typed, len);
        const char *folded = fold(typed, len, pool);

        free(typed);
        if (!folded != !pairs[i].folded || (folded && strcmp(folded, pairs[i].folded)))
            fail_msg("sample %zu, \"%s\": \"%s\"", i, pairs[i].typed, folded ? folded : "refused");
        if (folded)
            assert_string_equal(fold(folded, strlen(folded), pool), folded);
    }
}

static const pair_t anywhere[] = {
    {"", ""},
    {"Müller & Söhne", "Müller & Söhne"},
    {"Mu\xcc\x88ller", "Müller"},     /* NFD, as a Mac may send it */
    {"\xe2\x84\xab", "Å"},            /* ANGSTROM SIGN */
    {"\xef\xac\x81", "\xef\xac\x81"}, /* a ligature is a compatibility matter */
    {"  Maria \t Muster \r\n", "Maria Muster"},
    {NBSP "Maria" NBSP NBSP "Muster" NBSP, "Maria Muster"},
    {"a\xe1\x9a\x80\xe2\x80\x83\xe2\x80\xaf\xe2\x81\x9f\xe3\x80\x80\xe2\xa0\x80z", "a z"},
    {"a" LSEP "b", NULL},
    {"a" PSEP "b", NULL},
    {"a" NEL " b", NULL},
    {"a\nb", NULL},
    {"a \r\n b", NULL},
    {"a\x0b"
     "b",
     NULL},
    {LSEP "a\n" ZWSP PSEP, "a"},
    {LSEP, ""},
    {PSEP NEL, ""},
    {NBSP NBSP, ""},
    {ZWSP, ""},
    {BOM ZWNJ ZWJ VS16, ""},
    {"\xe3\x85\xa4\xe1\x85\x9f", ""}, /* Hangul fillers */
    {"Mus" SHY "ter" ZWSP "mann" BOM, "Mustermann"},
    {RLO "abc\xe2\x80\xac\xe2\x81\xa6\xe2\x80\x8e", "abc"},
    {"a" ZWSP " " ZWSP " b", "a b"},
    {"u" ZWSP "\xcc\x88", "ü"},
    {"Mar" ZWJ "ia" VS16, "Maria"},
    {"\xe2\x84\xaa" ZWJ "x", "Kx"}, /* the Kelvin sign is a K */
    {"\xdb\x9d"
     "1",
     "\xdb\x9d"
     "1"},                            /* a format character that shows something */
    {"\xee\x80\x80", "\xee\x80\x80"}, /* private use */
    {"A\x07", NULL},
    {"\x1b[1m", NULL},
    {"a\x7f", NULL},
    {"a\xc2\x9f", NULL},
    {"a\xef\xbf\xbf", NULL},
    {"a\xef\xb7\x90", NULL},
    {"\xff", NULL},
    {"a\xc3", NULL},
    {"\xed\xa0\x80", NULL},
};

static void lines(void **state)
{
    static const pair_t joined[] = {
        {"\xd9\x85\xdb\x8c" ZWNJ "\xd8\xae", "\xd9\x85\xdb\x8c" ZWNJ "\xd8\xae"},
        {"\xf0\x9f\x91\xa9" ZWJ "\xf0\x9f\x92\xbb", "\xf0\x9f\x91\xa9" ZWJ "\xf0\x9f\x92\xbb"},
        {"\xe2\x9d\xa4" VS16 " & Co", "\xe2\x9d\xa4" VS16 " & Co"},
        {"\xe2\x9d\xa4 " ZWJ "Co", "\xe2\x9d\xa4 Co"},
    };

    (void)state;
    check(kz_text_line, anywhere, sizeof anywhere / sizeof *anywhere);
    check(kz_text_line, joined, sizeof joined / sizeof *joined);
    assert_null(kz_text_line("a\0b", 3, pool));
}

static void areas(void **state)
{
    static const pair_t pairs[] = {
        {"a" LSEP "b" PSEP "c" NEL "d\x0b\x0c"
         "e",
         "a b c d e"},
        {"Erste Zeile,\r\n\r\n  zweite\n", "Erste Zeile, zweite"},
        {"a\x1b", NULL},
    };

    (void)state;
    check(kz_text_area, pairs, sizeof pairs / sizeof *pairs);
}

static void tokens(void **state)
{
    static const pair_t hidden[] = {
        {"00123" ZWSP, "00123"},  {NBSP "00123" NBSP, "00123"}, {"00" ZWJ "123", "00123"},
        {"Ö" ZWJ "1" VS16, "Ö1"}, {"10" NBSP "123", "10 123"},
    };

    (void)state;
    check(kz_text_token, anywhere, sizeof anywhere / sizeof *anywhere);
    check(kz_text_token, hidden, sizeof hidden / sizeof *hidden);
}

/* RFC 8265 section 4.3: examples 1 to 5, and what else the profile says. */
static void passwords(void **state)
{
    static const pair_t pairs[] = {
        {"correct horse battery staple", "correct horse battery staple"},
        {"Correct Horse Battery Staple", "Correct Horse Battery Staple"},
        {"πßå", "πßå"},
        {"Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s"},
        {"foo\xe1\x9a\x80"
         "bar",
         "foo bar"},
        {"my cat is a \x09 by", NULL},
        {"Gru\xcc\x88n", "Grün"},
        {"a" NBSP NBSP "b ", "a  b "},
        {"  ", "  "},
        {"", ""},
        {"\xef\xbc\xa1", "\xef\xbc\xa1"}, /* no mapping of width */
        {"\xf0\x9f\x91\xa9" ZWJ "\xf0\x9f\x92\xbb", "\xf0\x9f\x91\xa9" ZWJ "\xf0\x9f\x92\xbb"},
        {"a\nb", NULL},
        {"a" NEL, NULL},
        {"a\xff", NULL},
        {"a\xef\xbf\xbe", NULL},
    };

    (void)state;
    check(kz_text_password, pairs, sizeof pairs / sizeof *pairs);
    assert_null(kz_text_password("a\0b", 3, pool));
}

static void lengths(void **state)
{
    (void)state;
    assert_int_equal(kz_text_length(""), 0);
    assert_int_equal(kz_text_length("abc"), 3);
    assert_int_equal(kz_text_length("äöü\xf0\x9f\x93\x84"), 4);
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

static void too_long(void **state)
{
    const char *most = repeated("a", KZ_TEXT_MAX, "");
    /* Marks in the worst order: the time for it grows with the square of their number. */
    const char *marks = repeated("\xcc\x81\xcc\xa7", KZ_TEXT_MAX / 4, "");

    (void)state;
    assert_string_equal(kz_text_line(most, KZ_TEXT_MAX, pool), most);
    assert_null(kz_text_line(repeated("a", KZ_TEXT_MAX, "a"), KZ_TEXT_MAX + 1, pool));
    assert_null(kz_text_password(repeated("a", KZ_TEXT_MAX, "a"), KZ_TEXT_MAX + 1, pool));
    assert_int_equal(kz_text_length(kz_text_line(marks, KZ_TEXT_MAX, pool)), KZ_TEXT_MAX / 2);
}

static const struct {
    const char *name;
    const char *kept;
} plain_names[] = {
    {"Rechnung 12.pdf", "Rechnung 12.pdf"},
    {"Müller & Söhne <1>.pdf", "Müller & Söhne <1>.pdf"},
    {"../../etc/passwd", "passwd"},
    {"C:\\Users\\maria\\Steuer.pdf", "Steuer.pdf"},
    {"C:\\fakepath\\Steuer.pdf", "Steuer.pdf"},
    {"\\\\server\\Akten\\Steuer.pdf", "Steuer.pdf"},
    {"\xe2\x80\x8b"
     "C:\\Steuer.pdf",
     "Steuer.pdf"},
    {"C:\\a\\", "unbenannt"},
    {"C:\\a\\ b\\ c.pdf", "c.pdf"},
    {"a/b\\c", "b\\c"},
    {"Und\\oder.pdf", "Und\\oder.pdf"},
    {"\\a.pdf", "\\a.pdf"},
    {"C:a.pdf", "C:a.pdf"},
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
    {"Mu\xcc\x88ller.pdf", "Müller.pdf"}, /* as a Mac sends it */
    {"u\xe2\x80\x8b\xcc\x88.pdf", "ü.pdf"},
    /* Persian with a non-joiner, a family by joiners, a heart in colour */
    {"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae.pdf", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae.pdf"},
    {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa7.pdf",
     "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa7.pdf"},
    {"\xe2\x9d\xa4\xef\xb8\x8f.pdf", "\xe2\x9d\xa4\xef\xb8\x8f.pdf"},
    {"a\xe2\x80\x8d"
     "b",
     "a\xe2\x80\x8d"
     "b"},
    {"\xe2\x80\x8d"
     "a\xe2\x80\x8c",
     "a"},
    {"a  \xc2\xa0 b", "a  \xc2\xa0 b"},
};

static void file_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain_names / sizeof *plain_names; i++)
        assert_string_equal(
            kz_text_file_name(plain_names[i].name, strlen(plain_names[i].name), pool),
            plain_names[i].kept);
    assert_string_equal(kz_text_file_name("a\0/b\0c", 6, pool), "bc");
    assert_string_equal(kz_text_file_name(NULL, 0, pool), "unbenannt");
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
        {"a\xcc\x88", 127, "a", 255,
         "ä" /* composed first, then cut */
         "a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *name = repeated(names[i].unit, names[i].times, names[i].tail);
        const char *kept = kz_text_file_name(name, strlen(name), pool);
        size_t len = strlen(kept), tail = strlen(names[i].kept_tail);

        if (len != names[i].len || strcmp(kept + len - tail, names[i].kept_tail))
            fail_msg("name %zu: %zu bytes, %s", i, len, kept);
        assert_true(kz_str_is_utf8(kept, len));
    }
    /* Cutting a name may leave blanks and dots at its end. */
    assert_string_equal(kz_text_file_name(repeated("x", 254, "  y"), 257, pool),
                        repeated("x", 254, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),      cmocka_unit_test(areas),           cmocka_unit_test(tokens),
        cmocka_unit_test(passwords),  cmocka_unit_test(lengths),         cmocka_unit_test(too_long),
        cmocka_unit_test(file_names), cmocka_unit_test(long_file_names),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
