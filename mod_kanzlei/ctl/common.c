#include "ctl/ctl.h"

#include "base/time.h"
#include "model/people/firm.h"

void kz_ctl__text(json_t *object, const char *name, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    /* bytes that are not UTF-8 (a file's name in an error) make no JSON string */
    json_object_set_new(object, name, value ? value : json_null());
}

void kz_ctl__time(json_t *object, const char *name, apr_time_t time)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    kz_ctl__text(object, name, time ? kz_time_iso(time, pool) : NULL);
    apr_pool_destroy(pool);
}

kz_err_t *kz_ctl__enter_firm(kz_grant_t **grant, kz_ctl_t *ctl)
{
    const char *slug;
    kz_firm_t *firm;

    KZ_TRY(kz_ctl__need(&slug, ctl, "firm"));
    KZ_TRY(kz_firm_find(&firm, ctl->portal, slug, ctl->pool));
    return kz_grant_portal(grant, ctl->portal, firm->id, ctl->pool);
}
