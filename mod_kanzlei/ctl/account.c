#include "ctl/ctl.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "model/field.h"
#include "model/people/password.h"
#include "model/people/staff.h"

#define PASSWORD_SIZE KZ_TEXT_MAX /* bytes */
#define PAGE          200         /* accounts read at once */

/* The first line of standard input, folded. */
static kz_err_t *read_password(const char **password, apr_pool_t *pool)
{
    char *room;
    size_t len = 0;
    ssize_t got = 1;
    const char *typed, *folded;

    KZ_TRY(kz_secret_alloc((void **)&room, PASSWORD_SIZE + 2, pool));
    while (len < PASSWORD_SIZE + 1 && got > 0 && !memchr(room, '\n', len)) {
        got = read(STDIN_FILENO, room + len, PASSWORD_SIZE + 1 - len);
        if (got > 0)
            len += (size_t)got;
    }
    room[len] = '\0';
    if (strcspn(room, "\r\n") == strlen(room) && strlen(room) < len)
        return kz_err_create(KZ_ERR_INVALID, "the password has a NUL in it");
    len = strcspn(room, "\r\n");
    room[len] = '\0';
    if (len == 0)
        return kz_err_create(KZ_ERR_INVALID, "there is no password on standard input");
    KZ_TRY(kz_field_take(&typed, KZ_FIELD_password_password, room, pool));
    folded = kz_text_password(typed, strlen(typed), pool);
    if (!folded)
        return kz_err_create(KZ_ERR_INVALID,
                             "the password is not UTF-8, or has a control character");
    *password = folded;
    return NULL;
}

/* The operator is told, and obeyed. */
static void judge(kz_ctl_t *ctl, const char *password, const char *names)
{
    int score = kz_password_score(ctl->portal, password, names, ctl->pool);

    if (score < ctl->portal->conf->password_score)
        kz_ctl__warn("warning: this password is easily guessed (strength %d of 4; people need %d)",
                     score, ctl->portal->conf->password_score);
}

/* "admin" and "all" for --admin, and each --right. */
static apr_array_header_t *rights_given(const kz_ctl_t *ctl)
{
    apr_array_header_t *rights = apr_array_make(ctl->pool, 5, sizeof(const char *));
    const apr_array_header_t *given = apr_table_elts(ctl->options);
    int i;

    if (kz_ctl__option(ctl, "admin")) {
        APR_ARRAY_PUSH(rights, const char *) = kz_right_name(KZ_RIGHT_ADMIN);
        APR_ARRAY_PUSH(rights, const char *) = kz_right_name(KZ_RIGHT_ALL);
    }
    for (i = 0; i < given->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(given, i, apr_table_entry_t);

        if (strcmp(entry->key, "right") == 0)
            APR_ARRAY_PUSH(rights, const char *) = entry->val;
    }
    return rights;
}

static kz_err_t *staff_create(kz_ctl_t *ctl)
{
    const char *email = kz_ctl__option(ctl, "email"), *language = kz_ctl__option(ctl, "language");
    kz_staff_new_t staff = {.email = email ? email : "",
                            .language = language,
                            .rights = rights_given(ctl),
                            .invite = kz_ctl__option(ctl, "invite") != NULL};
    kz_grant_t *grant;
    const char *id;

    KZ_TRY(kz_ctl__need(&staff.user, ctl, "user"));
    KZ_TRY(kz_ctl__need(&staff.name, ctl, "name"));
    if (!kz_ctl__option(ctl, "password-stdin") == !staff.invite)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "one of --password-stdin and --invite is needed");
    if (!staff.invite)
        KZ_TRY(read_password(&staff.password, ctl->pool));
    KZ_TRY(kz_ctl__enter_firm(&grant, ctl));
    if (!staff.language)
        staff.language = kz_grant_language(grant);
    KZ_TRY(kz_staff_create(&id, grant, &staff, ctl->pool));
    if (staff.password)
        judge(ctl, staff.password,
              apr_pstrcat(ctl->pool, staff.user, " ", staff.name, " ", kz_grant_firm_name(grant),
                          NULL));
    KZ_TRY(kz_grant_commit(grant));
    kz_ctl__text(ctl->result, "id", id);
    kz_ctl__text(ctl->result, "user", staff.user);
    kz_ctl__say(ctl, "Made the account %s of %s.", staff.user, staff.name);
    return NULL;
}

/* The account that --firm and --user name. */
static kz_err_t *find_account(kz_grant_t **grant, kz_staff_account_t **account, kz_ctl_t *ctl)
{
    const char *user;

    KZ_TRY(kz_ctl__need(&user, ctl, "user"));
    KZ_TRY(kz_ctl__enter_firm(grant, ctl));
    return kz_staff_find(account, *grant, user, ctl->pool);
}

static kz_err_t *set_password(kz_ctl_t *ctl)
{
    kz_grant_t *grant;
    kz_staff_account_t *account;
    const char *password;

    if (!kz_ctl__option(ctl, "password-stdin"))
        return kz_err_create(KZ_ERR_BAD_REQUEST,
                             "--password-stdin is missing: a password comes by standard input");
    KZ_TRY(read_password(&password, ctl->pool));
    KZ_TRY(find_account(&grant, &account, ctl));
    judge(ctl, password,
          apr_pstrcat(ctl->pool, account->user, " ", account->name, " ", kz_grant_firm_name(grant),
                      NULL));
    KZ_TRY(kz_staff_set_password(grant, account, password, ctl->pool));
    KZ_TRY(kz_grant_commit(grant));
    kz_ctl__text(ctl->result, "user", account->user);
    kz_ctl__say(ctl, "%s has a new password; all sessions of the account have ended.",
                account->user);
    return NULL;
}

static kz_err_t *unlock(kz_ctl_t *ctl)
{
    kz_grant_t *grant;
    kz_staff_account_t *account;
    int was;

    KZ_TRY(find_account(&grant, &account, ctl));
    KZ_TRY(kz_staff_unlock(&was, grant, account));
    KZ_TRY(kz_grant_commit(grant));
    kz_ctl__text(ctl->result, "user", account->user);
    json_object_set_new(ctl->result, "was_locked", json_boolean(was));
    kz_ctl__say(ctl, was ? "%s is unlocked." : "%s was not locked.", account->user);
    return NULL;
}

static json_t *json_of(const kz_staff_account_t *account, apr_pool_t *pool)
{
    json_t *object = json_object(), *rights = json_array();
    char *last, *right, *list = apr_pstrdup(pool, account->rights);

    kz_ctl__text(object, "user", account->user);
    kz_ctl__text(object, "name", account->name);
    kz_ctl__text(object, "email", account->email);
    kz_ctl__text(object, "kind", account->kind);
    for (right = apr_strtok(list, " ", &last); right; right = apr_strtok(NULL, " ", &last))
        json_array_append_new(rights, json_string(right));
    json_object_set_new(object, "rights", rights);
    json_object_set_new(object, "password", json_boolean(account->has_password));
    kz_ctl__time(object, "locked", account->locked);
    kz_ctl__time(object, "signed_in", account->signed_in);
    return object;
}

static void show_account(kz_ctl_t *ctl, json_t *list, const kz_staff_account_t *account,
                         apr_pool_t *pool)
{
    if (kz_ctl__is_json(ctl)) {
        json_array_append_new(list, json_of(account, pool));
        return;
    }
    kz_ctl__say(ctl, "%-20s  %-6s  %-8s  %-20s  %s%s%s%s", account->user, account->kind,
                account->locked         ? "locked"
                : account->has_password ? "active"
                                        : "new",
                account->signed_in ? kz_time_iso(account->signed_in, pool) : "never", account->name,
                *account->rights ? " (" : "", account->rights, *account->rights ? ")" : "");
}

static kz_err_t *list(kz_ctl_t *ctl)
{
    json_t *accounts = json_array();
    kz_grant_t *grant;
    apr_pool_t *turn;
    char after[256] = "";
    int count = PAGE, i;

    json_object_set_new(ctl->result, "accounts", accounts);
    KZ_TRY(kz_ctl__enter_firm(&grant, ctl));
    apr_pool_create(&turn, ctl->pool);
    while (count == PAGE) {
        kz_staff_account_t *page;

        apr_pool_clear(turn);
        KZ_TRY(kz_staff_accounts(&page, &count, grant, after, PAGE, turn));
        for (i = 0; i < count; i++)
            show_account(ctl, accounts, &page[i], turn);
        if (count)
            apr_cpystrn(after, page[count - 1].user, sizeof after);
    }
    kz_grant_rest(grant);
    return NULL;
}

#define FIRM                                                                                       \
    {                                                                                              \
        "firm", KZ_CTL_OPTION, 1, "SLUG: entrance of the firm; needed"                             \
    }
#define USER                                                                                       \
    {                                                                                              \
        "user", KZ_CTL_OPTION, 1, "USER: user name of the account; needed"                         \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, 0, NULL                                                                           \
    }
#define PASSWORD                                                                                   \
    {                                                                                              \
        "password-stdin", KZ_CTL_OPTION, 0, "the password is the first line of standard input"     \
    }

#define KZ_RIGHT(NAME, name) "|" name
static const char rights_help[] =
#include "rights.def"
    ": a right; may be repeated";
#undef KZ_RIGHT

static const apr_getopt_option_t staff_options[] = {
    FIRM,
    USER,
    {"name", KZ_CTL_OPTION, 1, "NAME: of the person; needed"},
    {"email", KZ_CTL_OPTION, 1, "ADDRESS: for invitations and new passwords"},
    {"language", KZ_CTL_OPTION, 1, "de|en: the firm's unless given"},
    {"admin", KZ_CTL_OPTION, 0,
     "makes an administrator who sees every client: the rights admin and all"},
    {"right", KZ_CTL_OPTION, 1, rights_help + 1},
    PASSWORD,
    {"invite", KZ_CTL_OPTION, 0, "instead of a password: a mail with a link that works once"},
    END};
static const apr_getopt_option_t password_options[] = {FIRM, USER, PASSWORD, END};
static const apr_getopt_option_t unlock_options[] = {FIRM, USER, END};
static const apr_getopt_option_t list_options[] = {FIRM, END};

const kz_ctl_command_t kz_ctl__staff_create = {
    "staff create",
    "--firm SLUG --user USER --name NAME [--email ADDRESS] [--admin] [--right RIGHT]...\n"
    "           --password-stdin | --invite",
    "Makes an account for one of a firm's staff\n",
    NULL,
    staff_options,
    staff_create};
const kz_ctl_command_t kz_ctl__account_list = {
    "account list", "--firm SLUG", "Lists the accounts of a firm\n", NULL, list_options, list};
const kz_ctl_command_t kz_ctl__account_password = {
    "account password",
    "--firm SLUG --user USER --password-stdin",
    "Sets a password, lifts a lock, ends all sessions of the account\n",
    NULL,
    password_options,
    set_password};
const kz_ctl_command_t kz_ctl__account_unlock = {"account unlock",
                                                 "--firm SLUG --user USER",
                                                 "Lifts the lock of an account\n",
                                                 NULL,
                                                 unlock_options,
                                                 unlock};
