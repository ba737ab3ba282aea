#include "ctl/ctl.h"

#include "base/clock.h"

#define TIME (30 * APR_USEC_PER_SEC)

static kz_err_t *initialise(kz_ctl_t *ctl)
{
    kz_stores_t *stores = ctl->portal->stores;
    json_t *names = json_array();
    int i;

    KZ_TRY(kz_stores_initialise(stores, kz_clock_now() + TIME, ctl->pool));
    json_object_set_new(ctl->result, "stores", names);
    for (i = 0; i < kz_stores_count(stores); i++) {
        json_array_append_new(names, json_string(kz_stores_name(stores, i)));
        kz_ctl__say(ctl, "The store %s belongs to this installation.", kz_stores_name(stores, i));
    }
    return NULL;
}

static const apr_getopt_option_t options[] = {{NULL, 0, 0, NULL}};

const kz_ctl_command_t kz_ctl__store_initialise = {
    "store initialise",
    "",
    "Takes empty stores into use\n\n"
    "For a store that was added to the configuration: it is marked as this installation's. Then\n"
    "\"check --repair\" fills it. A store that holds anything else is refused.\n",
    NULL,
    options,
    initialise};
