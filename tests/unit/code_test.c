/* One-time codes as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "model/people/code.h"

static apr_pool_t *pool;

static void folds(const char *typed, const char *wanted)
{
    char digits[KZ_CODE_DIGITS + 1];

    assert_int_equal(kz_code_fold(digits, typed, pool), 1);
    assert_string_equal(digits, wanted);
}

static void refuses(const char *typed)
{
    char digits[KZ_CODE_DIGITS + 1];

    assert_int_equal(kz_code_fold(digits, typed, pool), 0);
}

static void codes_are_folded(void **state)
{
    (void)state;
    folds("K7QM-2XWD-9VBN-H4TR", "K7QM2XWD9VBNH4TR");
    folds("k7qm2xwd9vbnh4tr", "K7QM2XWD9VBNH4TR");
    folds(" K7Q M-2XWD--9VBN H4TR\t\r\n", "K7QM2XWD9VBNH4TR");
    folds("oO0i-Il1L-AAAA-AAAA", "00011111AAAAAAAA");
}

/* As mail programs, word processors and people pass them on. */
static void pasted_codes_are_folded(void **state)
{
    static const char *const pasted[] = {
        "K7QM\u20102XWD\u20119VBN\u2012H4TR",          /* hyphens, figure dash */
        "K7QM\u20132XWD\u20149VBN\u2015H4TR",          /* dashes */
        "K7QM\u22122XWD\ufe639VBN\uff0dH4TR",          /* minus, small and wide hyphen */
        "K7QM-\u00ad2XWD-\u200b9VBN-\u200dH4TR\ufeff", /* soft hyphen, zero width */
        "\u201eK7QM-2XWD-9VBN-H4TR\u201c",
        "\"K7QM-2XWD-9VBN-H4TR\".",
        "\u00bbK7QM-2XWD-9VBN-H4TR\u00ab,",
        "'K7QM\u00a02XWD\u20099VBN\u3000H4TR'",
        "(K7QM_2XWD_9VBN_H4TR)\r\n",
        "https://portal.example/k/muster/redeem#K7QM-2XWD-9VBN-H4TR",
        "<https://portal.example/k/muster/redeem#k7qm-2xwd-9vbn-h4tr>.",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof pasted / sizeof *pasted; i++)
        folds(pasted[i], "K7QM2XWD9VBNH4TR");
}

static void what_is_no_code(void **state)
{
    (void)state;
    refuses("");
    refuses("----");
    refuses("K7QM-2XWD-9VBN-H4T");
    refuses("K7QM-2XWD-9VBN-H4TRR");
    refuses("K7QM-2XWD-9VBN-H4TU");             /* no U */
    refuses("K7QM-2XWD-9VBN-H4T\u00e4");        /* no ASCII */
    refuses("K7QM-2XWD-9VBN-H4TR\u0410");       /* a Cyrillic A */
    refuses("K7QM-2XWD-9VBN-H4TR\xff");         /* no UTF-8 */
    refuses("https://portal.example/k/muster"); /* a link without a code */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_folded),
        cmocka_unit_test(pasted_codes_are_folded),
        cmocka_unit_test(what_is_no_code),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
