/* What PostgreSQL's SQLSTATEs become: all of its list, so that a new one is thought about. What
 * another try may mend is 503, what we did wrong is 500. */
#include "io/db/conn.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "scene.h"

/* Prefixes of what is our fault, and of what can't come to us: success, warnings, cursors and
 * procedures that we don't use, foreign tables, PL/pgSQL. */
static const char *const ours[] = {"00", "01", "02", "03", "09", "0A", "0B", "0F",   "0L",
                                   "0P", "0Z", "20", "21", "22", "24", "25", "26",   "27",
                                   "2B", "2D", "2F", "34", "38", "39", "3B", "3D",   "3F",
                                   "42", "44", "54", "55", "72", "HV", "P0", "XX000"};

static int is_ours(const char *state)
{
    size_t i;

    for (i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strncmp(state, ours[i], strlen(ours[i])) == 0)
            return 1;
    return 0;
}

static void test_named(void **state)
{
    static const struct {
        const char *state;
        kz_err_code_t code;
    } cases[] = {
        {"KZ404", KZ_ERR_NOT_FOUND}, {"23505", KZ_ERR_CONFLICT}, {"23503", KZ_ERR_INVALID},
        {"57014", KZ_ERR_DB_BUSY},   {"57P01", KZ_ERR_DB_DOWN},  {"57P03", KZ_ERR_DB_DOWN},
        {"58000", KZ_ERR_DB_DOWN},   {"58030", KZ_ERR_DB_DOWN},  {"58P01", KZ_ERR_DB_DOWN},
        {"25006", KZ_ERR_DB_DOWN},   {"25P03", KZ_ERR_DB_BUSY},  {"25P02", KZ_ERR_INTERNAL},
        {"53100", KZ_ERR_DB_BUSY},   {"40P01", KZ_ERR_DB_BUSY},  {"XX000", KZ_ERR_INTERNAL},
        {"XX001", KZ_ERR_DB_DOWN},   {"XX002", KZ_ERR_DB_DOWN},  {"42P01", KZ_ERR_INTERNAL},
        {"28P01", KZ_ERR_DB_DOWN},   {"08006", KZ_ERR_DB_DOWN},  {"55006", KZ_ERR_DB_BUSY},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        if (kz_db__code(cases[i].state) != cases[i].code)
            fail_msg("%s is %s", cases[i].state, kz_err_name(kz_db__code(cases[i].state)));
}

/* The list of the server that is installed: each state has a line in sqlstate.def, or is ours. */
static void test_whole_list(void **state)
{
    glob_t found;
    char line[256], code[8];
    FILE *list;
    int count = 0;

    (void)state;
    if (glob("/usr/share/postgresql/*/errcodes.txt", 0, NULL, &found) != 0)
        skip();
    list = fopen(found.gl_pathv[0], "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        if (sscanf(line, "%5[0-9A-Z] ", code) != 1 || strlen(code) != 5)
            continue;
        count++;
        if (kz_db__code(code) == KZ_ERR_INTERNAL && !is_ours(code))
            fail_msg("%s is not thought about: %s", code, line);
    }
    fclose(list);
    globfree(&found);
    assert_true(count > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_whole_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
