/* Sends one mail that it reads as JSON from standard input, {"config": {…}, "mail": {…}} with the
 * members of kz_mail_config_t and kz_mail_t. Prints "sent" or the code and detail of the error. A
 * tool for tests/http/test_mail.py, no test of its own. */
#include <stdio.h>
#include <string.h>

#include <apr_general.h>
#include <jansson.h>

#include "io/mail/mail.h"

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int main(void)
{
    json_t *input = json_loadf(stdin, 0, NULL);
    const json_t *config = json_object_get(input, "config");
    const json_t *mail = json_object_get(input, "mail");
    apr_pool_t *pool;
    kz_err_t *err;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    err = kz_mail_send(
        &(kz_mail_config_t){
            .url = text(config, "url"),
            .user = text(config, "user"),
            .password = text(config, "password"),
            .from = text(config, "from"),
            .ca_file = text(config, "ca_file"),
            .timeout =
                apr_time_from_msec(json_integer_value(json_object_get(config, "timeout_ms"))),
        },
        &(kz_mail_t){
            .to = text(mail, "to"),
            .to_name = text(mail, "to_name"),
            .from_name = text(mail, "from_name"),
            .reply_to = text(mail, "reply_to"),
            .subject = text(mail, "subject"),
            .text = text(mail, "text"),
            .html = text(mail, "html"),
            .message_id = text(mail, "message_id"),
        },
        pool);
    if (err)
        printf("%s %s\n", kz_err_name(kz_err_code(err)), kz_err_detail(err));
    else
        puts("sent");
    kz_err_free(err);
    json_decref(input);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
