#include "io/mail/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "io/mail/parts.h"

static kz_err_t *write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return kz_err_status(KZ_ERR_MAIL, errno, "mail: writing into the folder");
        bytes += written;
        size -= (size_t)written;
    }
    if (fsync(fd) != 0)
        return kz_err_status(KZ_ERR_MAIL, errno, "mail: writing into the folder");
    return NULL;
}

/* A whole message or none: written under another name, then renamed. A second try of the same
 * message replaces the first one's file. */
static kz_err_t *to_folder(const char *folder, const char *id, const kz_mail__message_t *message,
                           apr_pool_t *pool)
{
    char *draft = apr_pstrcat(pool, folder, "/.draft-XXXXXX", NULL);
    const char *path = apr_pstrcat(pool, folder, "/", id, ".eml", NULL);
    int fd = mkostemp(draft, O_CLOEXEC); /* mode 0600 */
    kz_err_t *err;

    if (fd < 0)
        return kz_err_status(KZ_ERR_MAIL, errno, "mail: opening a file in the folder");
    err = write_all(fd, message->bytes, message->size);
    close(fd);
    if (!err && rename(draft, path) != 0)
        err = kz_err_status(KZ_ERR_MAIL, errno, "mail: renaming in the folder");
    if (err)
        unlink(draft);
    return err;
}

static kz_err_t *hand_over(const kz_mail_config_t *config, const kz_mail_t *mail,
                           apr_pool_t *scratch_pool)
{
    kz_mail__message_t message = {0};
    const char *url = config->url ? config->url : "";

    KZ_TRY(kz_mail__compose(&message, config->from, mail, scratch_pool));
    if (strncmp(url, "dir:/", 5) == 0)
        return to_folder(url + 4, mail->message_id, &message, scratch_pool);
    if (strncmp(url, "smtp://", 7) == 0 || strncmp(url, "smtps://", 8) == 0)
        return kz_mail__smtp(config, &message, scratch_pool);
    return kz_err_create(KZ_ERR_CONFIG, "mail: the URL is neither smtp:, smtps: nor dir:");
}

kz_err_t *kz_mail_send(const kz_mail_config_t *config, const kz_mail_t *mail,
                       apr_pool_t *scratch_pool)
{
    apr_time_t start = kz_clock_now();
    kz_err_t *err = hand_over(config, mail, scratch_pool);

    KZ_TIME(MAIL_SEND, start);
    if (err)
        KZ_COUNT(MAIL_ERRORS);
    return err;
}
