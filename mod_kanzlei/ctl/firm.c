#include "ctl/ctl.h"

#include "base/time.h"
#include "model/master.h"
#include "model/people/firm.h"
#include "model/proof/proof.h"

static json_t *json_of(const kz_firm_t *firm)
{
    json_t *object = json_object();

    json_object_set_new(object, "id", json_integer(firm->id));
    kz_ctl__text(object, "slug", firm->slug);
    kz_ctl__text(object, "name", firm->name);
    kz_ctl__text(object, "email", firm->email);
    kz_ctl__text(object, "language", firm->language);
    kz_ctl__time(object, "created", firm->created);
    return object;
}

static kz_err_t *create(kz_ctl_t *ctl)
{
    const kz_conf_t *conf = ctl->portal->conf;
    const char *email = kz_ctl__option(ctl, "email"), *language = kz_ctl__option(ctl, "language");
    const char *conninfo;
    kz_firm_t firm = {
        .slug = ctl->word, .email = email ? email : "", .language = language ? language : "de"};
    kz_db_pool_t *dbpool;
    kz_db_t *db;

    KZ_TRY(kz_ctl__need(&firm.name, ctl, "name"));
    KZ_TRY(kz_ctl__owner(&conninfo, ctl));
    KZ_TRY(kz_db_pool_open(&dbpool, conninfo, 1, conf->db_timeout, NULL, ctl->pool));
    KZ_TRY(kz_ctl__begin_root(ctl));
    KZ_TRY(kz_db_begin(&db, dbpool, ctl->pool));
    KZ_TRY(kz_ctl__end_root(ctl));
    KZ_TRY(kz_master_note(ctl->portal, db, ctl->pool)); /* its key is wrapped by the right one */
    KZ_TRY(kz_firm_create(&firm, db, ctl->portal->keys, ctl->pool));
    KZ_TRY(kz_db_commit(db));
    json_object_set_new(ctl->result, "firm", json_of(&firm));
    kz_ctl__say(ctl, "Made the firm %s: %s/k/%s/", firm.name, conf->url, firm.slug);
    return NULL;
}

static kz_err_t *list(kz_ctl_t *ctl)
{
    json_t *firms = json_array();
    kz_firm_t *found;
    int count, i;

    json_object_set_new(ctl->result, "firms", firms);
    KZ_TRY(kz_firm_list(&found, &count, ctl->portal, ctl->pool));
    for (i = 0; i < count; i++) {
        json_t *object = json_of(&found[i]);

        json_array_append_new(firms, object);
        if (kz_ctl__is_json(ctl))
            KZ_TRY(kz_ctl__head(object, ctl, found[i].id));
        kz_ctl__say(ctl, "%-20s  %s  %s", found[i].slug, kz_time_iso(found[i].created, ctl->pool),
                    found[i].name);
    }
    return NULL;
}

static const apr_getopt_option_t create_options[] = {
    {"name", KZ_CTL_OPTION, 1, "NAME: as people read it; needed"},
    {"email", KZ_CTL_OPTION, 1, "ADDRESS: where clients reach the firm"},
    {"language", KZ_CTL_OPTION, 1, "de|en: of its entrance, de unless given"},
    {"database", KZ_CTL_OPTION, 1, "CONNINFO: of the schema's owner (KANZLEI_OWNER_DATABASE)"},
    {NULL, 0, 0, NULL},
};
static const apr_getopt_option_t list_options[] = {{NULL, 0, 0, NULL}};

const kz_ctl_command_t kz_ctl__firm_create = {
    "firm create",
    "SLUG --name NAME [--email ADDRESS] [--language de|en]",
    "Makes a firm\n\nIts entrance is /k/SLUG/: 3 to 40 characters of a-z, 0-9 and -.\n",
    "SLUG",
    create_options,
    create};
const kz_ctl_command_t kz_ctl__firm_list = {"firm list", "",           "Lists all firms\n",
                                            NULL,        list_options, list};
