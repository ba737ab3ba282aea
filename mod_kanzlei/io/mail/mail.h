/* Mail: one message with a text and an HTML part, to one person, through SMTP (libcurl) or, for the
 * demonstration, into a folder. */
#ifndef KZ_IO_MAIL_H
#define KZ_IO_MAIL_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_mail_config_t {
    const char *url;      /* "smtp://host:587", "smtps://host:465" or "dir:/folder" */
    const char *user;     /* NULL: no authentication */
    const char *password; /* in secret memory */
    const char *from;     /* envelope sender and From address of the installation */
    const char *ca_file;  /* PEM, or NULL for the system's; with one, loopback too needs TLS */
    apr_interval_time_t timeout; /* for the whole transfer, microseconds; 0: 60 s */
} kz_mail_config_t;

typedef struct kz_mail_t {
    const char *to;         /* address; rejected when it has anything but one address (RFC 5321) */
    const char *to_name;    /* UTF-8, or NULL */
    const char *from_name;  /* UTF-8: the firm */
    const char *reply_to;   /* the firm's address, or NULL */
    const char *subject;    /* UTF-8 */
    const char *text;       /* UTF-8, lines end by LF */
    const char *html;       /* UTF-8 */
    const char *message_id; /* "id@domain" without <>, the same for every try of one message */
} kz_mail_t;

/* Checks that ADDRESS is one mailbox, "local@domain", as browsers check it (WHATWG HTML,
 * "valid e-mail address": RFC 5322's dot-atom, no quoted names, no comments), within the lengths of
 * RFC 5321 section 4.5.3.1. *ASCII is its form on the wire: a domain with umlauts becomes A-labels
 * (RFC 5891); allocated in RESULT_POOL. Errors: INVALID. */
kz_err_t *kz_mail_address(const char **ascii, const char *address, apr_pool_t *result_pool);

/* Sends MAIL: success when the server accepted it (2xx to the end of DATA). TLS is required unless
 * the host is loopback. Errors: MAIL (another try may help), INVALID (never will: the address was
 * refused for good, 5xx, or a header of the message is not a clean line of UTF-8), CONFIG (the
 * address of the sender or the URL can't be used). In the detail neither the address nor the
 * content is named. A message into a folder becomes <message_id>.eml there. */
kz_err_t *kz_mail_send(const kz_mail_config_t *config, const kz_mail_t *mail,
                       apr_pool_t *scratch_pool);

#endif
