#include "ctl/ctl.h"

#include "model/people/firm.h"
#include "model/proof/proof.h"

kz_err_t *kz_ctl__head(json_t *object, kz_ctl_t *ctl, int firm)
{
    json_t *seal = json_object();
    kz_proof_head_t head;

    json_object_set_new(object, "event_seal", seal);
    KZ_TRY(kz_proof_head(&head, ctl->portal, firm, ctl->pool));
    kz_ctl__text(object, "event_key", head.key);
    json_object_set_new(seal, "number", json_integer(head.number));
    kz_ctl__text(seal, "hash", head.hash);
    kz_ctl__time(seal, "at", head.at);
    return NULL;
}

static kz_err_t *seal(kz_ctl_t *ctl)
{
    json_t *list = json_array();
    kz_firm_t *firms;
    int count, i;

    json_object_set_new(ctl->result, "firms", list);
    KZ_TRY(kz_proof_run(ctl->portal, ctl->pool));
    KZ_TRY(kz_firm_list(&firms, &count, ctl->portal, ctl->pool));
    for (i = 0; i < count; i++) {
        json_t *firm = json_object();
        const json_t *head;

        kz_ctl__text(firm, "slug", firms[i].slug);
        json_array_append_new(list, firm);
        KZ_TRY(kz_ctl__head(firm, ctl, firms[i].id));
        head = json_object_get(firm, "event_seal");
        if (json_integer_value(json_object_get(head, "number")) > 0)
            kz_ctl__say(ctl, "%-20s  %" JSON_INTEGER_FORMAT ":%s", firms[i].slug,
                        json_integer_value(json_object_get(head, "number")),
                        json_string_value(json_object_get(head, "hash")));
    }
    return NULL;
}

static const apr_getopt_option_t options[] = {{NULL, 0, 0, NULL}};

const kz_ctl_command_t kz_ctl__event_seal = {
    "event seal",
    "",
    "Seals new events, prints each firm's head\n\n"
    "The jobs do so every minute. A head (number:hash) that is kept elsewhere shows later whether\n"
    "the chain was cut off or made anew: \"check --firm SLUG --head NUMBER:HASH\".\n",
    NULL,
    options,
    seal};
