/* One-time codes as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/people/code.h"

static void folds(const char *typed, const char *wanted)
{
    char digits[KZ_CODE_DIGITS + 1];

    assert_int_equal(kz_code_fold(digits, typed), 1);
    assert_string_equal(digits, wanted);
}

static void refuses(const char *typed)
{
    char digits[KZ_CODE_DIGITS + 1];

    assert_int_equal(kz_code_fold(digits, typed), 0);
}

static void codes_are_folded(void **state)
{
    (void)state;
    folds("K7QM-2XWD-9VBN-H4TR", "K7QM2XWD9VBNH4TR");
    folds("k7qm2xwd9vbnh4tr", "K7QM2XWD9VBNH4TR");
    folds(" K7Q M-2XWD--9VBN H4TR\t\r\n", "K7QM2XWD9VBNH4TR");
    folds("oO0i-Il1L-AAAA-AAAA", "00011111AAAAAAAA");
}

static void what_is_no_code(void **state)
{
    (void)state;
    refuses("");
    refuses("----");
    refuses("K7QM-2XWD-9VBN-H4T");
    refuses("K7QM-2XWD-9VBN-H4TRR");
    refuses("K7QM-2XWD-9VBN-H4TU");         /* no U */
    refuses("K7QM-2XWD-9VBN-H4T\xc3\xa4");  /* not ASCII */
    refuses("K7QM_2XWD_9VBN_H4TR");         /* other signs */
    refuses("K7QM-2XWD-9VBN-H4TR\x01\x02"); /* control characters */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_folded),
        cmocka_unit_test(what_is_no_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
