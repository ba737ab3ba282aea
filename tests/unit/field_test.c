/* Fields of forms.def: the values that each kind accepts, and kanzleictl's errors about others. */
#include "model/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <apr_general.h>
#include <cmocka.h>
#include <sodium.h>

static apr_pool_t *pool;

static void kinds(void **state)
{
    static const struct {
        kz_field_id_t field;
        const char *typed;
        kz_field_fault_t fault;
        const char *value;
    } samples[] = {
        {KZ_FIELD_client_name, " Müller \n", KZ_FIELD_FINE, "Müller"},
        {KZ_FIELD_client_name, NULL, KZ_FIELD_MISSING, ""},
        {KZ_FIELD_client_name, "\xe2\x80\x8b", KZ_FIELD_MISSING, ""},
        {KZ_FIELD_client_name, "a\x07", KZ_FIELD_CHARACTERS, ""},
        {KZ_FIELD_client_name, "\xff", KZ_FIELD_CHARACTERS, ""},
        {KZ_FIELD_client_name, "zwei\r\nZeilen", KZ_FIELD_CHARACTERS, ""},
        {KZ_FIELD_client_street, "", KZ_FIELD_FINE, ""},
        {KZ_FIELD_client_number,
         "00\xe2\x80\x8d"
         "1\xc2\xa0",
         KZ_FIELD_FINE, "001"},
        {KZ_FIELD_client_email, "", KZ_FIELD_FINE, ""},
        {KZ_FIELD_client_email, "a@b.example ", KZ_FIELD_FINE, "a@b.example"},
        {KZ_FIELD_client_email, "a@@b", KZ_FIELD_NO_EMAIL, ""},
        {KZ_FIELD_staff_email, "", KZ_FIELD_MISSING, ""},
        {KZ_FIELD_client_kind, NULL, KZ_FIELD_FINE, "person"},
        {KZ_FIELD_client_kind, "company", KZ_FIELD_FINE, "company"},
        {KZ_FIELD_client_kind, "comp", KZ_FIELD_NO_VALUE, "person"},
        {KZ_FIELD_client_kind, "person|company", KZ_FIELD_NO_VALUE, "person"},
        {KZ_FIELD_staff_user, "Maria.M-1", KZ_FIELD_FINE, "maria.m-1"},
        {KZ_FIELD_staff_user, "m", KZ_FIELD_NO_USER, ""},
        {KZ_FIELD_staff_user, "a b", KZ_FIELD_NO_USER, ""},
        {KZ_FIELD_staff_user, "ä.b", KZ_FIELD_NO_USER, ""},
        {KZ_FIELD_sign_in_user, " A B! ", KZ_FIELD_FINE, "A B!"},
        {KZ_FIELD_sign_in_password, "  x ", KZ_FIELD_FINE, "  x "},
        {KZ_FIELD_sign_in_password, "", KZ_FIELD_MISSING, ""},
        {KZ_FIELD_firm_slug, "linde-1", KZ_FIELD_FINE, "linde-1"},
        {KZ_FIELD_firm_slug, "-linde", KZ_FIELD_NO_SLUG, ""},
        {KZ_FIELD_firm_slug, "ab", KZ_FIELD_NO_SLUG, ""},
        {KZ_FIELD_decision_reason, "zwei\r\nZeilen", KZ_FIELD_FINE, "zwei Zeilen"},
        {KZ_FIELD_upload_filename, NULL, KZ_FIELD_FINE, "unbenannt"},
        {KZ_FIELD_upload_filename, "C:\\fakepath\\a.pdf", KZ_FIELD_FINE, "a.pdf"},
        {KZ_FIELD_assignment_staff, "x", KZ_FIELD_NO_VALUE, ""},
        {KZ_FIELD_assignment_staff, "01890a5d-ac96-774b-bcce-b302099a8057", KZ_FIELD_FINE,
         "01890a5d-ac96-774b-bcce-b302099a8057"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const char *typed = samples[i].typed, *value = "?";
        kz_field_fault_t fault =
            kz_field_read(&value, samples[i].field, typed, typed ? strlen(typed) : 0, pool);

        if (fault != samples[i].fault || strcmp(value, samples[i].value) != 0)
            fail_msg("sample %zu: fault %d, \"%s\"", i, (int)fault, value);
        assert_int_equal(fault == KZ_FIELD_FINE, *kz_field_key(fault) == '\0');
    }
}

static void lengths(void **state)
{
    char typed[2 * 201 + 1];
    const char *value;

    (void)state;
    for (size_t i = 0; i < 201; i++)
        memcpy(typed + 2 * i, "ω", 2);
    typed[2 * 201] = '\0';
    assert_int_equal(kz_field_read(&value, KZ_FIELD_client_name, typed, 2 * 201, pool),
                     KZ_FIELD_TOO_LONG);
    assert_int_equal(kz_field_read(&value, KZ_FIELD_client_name, typed, 2 * 200, pool),
                     KZ_FIELD_FINE);
    assert_int_equal(strlen(value), 2 * 200);
}

static void explanations(void **state)
{
    static const struct {
        kz_field_id_t field;
        const char *typed, *detail;
    } samples[] = {
        {KZ_FIELD_firm_name, "", "name: something has to be there"},
        {KZ_FIELD_firm_email, "x", "email: no mail address"},
        {KZ_FIELD_firm_language, "fr", "language: has to be de or en"},
        {KZ_FIELD_firm_slug, "A", "slug: 3 to 40 characters of a-z, 0-9 and -, no - at either end"},
        {KZ_FIELD_firm_slug, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "slug: 3 to 40 characters of a-z, 0-9 and -, no - at either end"},
        {KZ_FIELD_access_user, "x", "user: 2 to 64 characters of a-z, 0-9, dot and dash"},
        {KZ_FIELD_firm_name, "\x1b",
         "name: not UTF-8, or a control character or the end of a line in it"},
    };
    const char *value;

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        kz_err_t *err = kz_field_take(&value, samples[i].field, samples[i].typed, pool);

        assert_non_null(err);
        assert_int_equal(kz_err_code(err), KZ_ERR_INVALID);
        assert_string_equal(kz_err_detail(err), samples[i].detail);
        kz_err_free(err);
    }
    assert_null(kz_field_take(&value, KZ_FIELD_firm_language, NULL, pool));
    assert_string_equal(value, "de");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(lengths),
        cmocka_unit_test(explanations),
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
