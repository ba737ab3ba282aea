#include "io/mail/parts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <curl/curl.h>

#define CONNECT_MAX_MS 15000L /* for the connection alone */
#define TOTAL_MS       60000L /* when the configuration names no bound */

/* One conversation with the server, as the callbacks see it. */
typedef struct talk_t {
    const char *data; /* the rest of the message, still to be sent */
    size_t left;      /* bytes of it */
    enum { BEFORE, RECIPIENT, CONTENT } stage;
    int refused; /* the server's answer to RCPT TO is 5xx */
} talk_t;

static size_t give(char *buffer, size_t size, size_t count, void *context)
{
    talk_t *talk = context;
    size_t part = size * count < talk->left ? size * count : talk->left;

    memcpy(buffer, talk->data, part);
    talk->data += part;
    talk->left -= part;
    return part;
}

/* libcurl reports a refused recipient with the same code as other refusals, so this watches the
 * commands. It keeps nothing of them: they hold the password. */
static int watch(CURL *curl, curl_infotype type, char *line, size_t size, void *context)
{
    talk_t *talk = context;

    (void)curl;
    if (type == CURLINFO_HEADER_OUT && size > 8 && strncasecmp(line, "RCPT TO:", 8) == 0)
        talk->stage = RECIPIENT;
    else if (type == CURLINFO_HEADER_OUT && size >= 6 && strncasecmp(line, "DATA\r\n", 6) == 0)
        talk->stage = CONTENT;
    else if (type == CURLINFO_HEADER_IN && talk->stage == RECIPIENT && size > 0 && line[0] == '5')
        talk->refused = 1;
    return 0;
}

static int is_loopback(const char *host)
{
    struct in_addr v4;

    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

/* The URL with the sender's domain as its path, which libcurl says in EHLO; *LOOPBACK tells whether
 * the line leaves this machine. */
static kz_err_t *make_url(const char **url, int *loopback, const kz_mail_config_t *config,
                          const char *from, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, "/", strchr(from, '@') + 1, NULL);
    CURLU *parts = curl_url();
    char *host = NULL, *whole = NULL;
    kz_err_t *err = NULL;

    if (!parts || curl_url_set(parts, CURLUPART_URL, config->url, 0) != CURLUE_OK ||
        curl_url_set(parts, CURLUPART_PATH, path, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK) {
        err = kz_err_create(KZ_ERR_CONFIG, "mail: the server's URL can't be read");
    } else {
        *loopback = is_loopback(host);
        *url = apr_pstrdup(pool, whole);
    }
    curl_free(host);
    curl_free(whole);
    curl_url_cleanup(parts);
    return err;
}

static void set_security(CURL *curl, const kz_mail_config_t *config, int loopback)
{
    int plain = loopback && !config->ca_file;

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (config->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
    if (config->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, config->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, config->password ? config->password : "");
    }
}

/* CURLOPT_TIMEOUT_MS ends a transfer, but neither the wait for the server's word that it has taken
 * the mail nor QUIT: each answer has the bound of its own, two minutes unless it is set. QUIT has
 * it only on a connection that ends with its transfer; one that libcurl keeps is closed by a handle
 * of libcurl's. */
static void set_limits(CURL *curl, const kz_mail_config_t *config)
{
    long total = config->timeout > 0 ? (long)apr_time_as_msec(config->timeout) : TOTAL_MS;

    total = total > 0 ? total : 1; /* to libcurl 0 means for ever */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (total + 999) / 1000);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, total);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     total < CONNECT_MAX_MS ? total : CONNECT_MAX_MS);
}

static kz_err_t *perform(CURL *curl, talk_t *talk)
{
    CURLcode result;
    long answer = 0;

    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)talk->left);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(curl, CURLOPT_READDATA, talk);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, watch);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, talk);
    result = curl_easy_perform(curl);
    if (result == CURLE_OK)
        return NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    if (talk->refused)
        return kz_err_create(KZ_ERR_INVALID, "mail: the server refuses the recipient for good");
    return kz_err_create(KZ_ERR_MAIL, "mail: %s (last answer of the server: %ld)",
                         curl_easy_strerror(result), answer);
}

kz_err_t *kz_mail__smtp(const kz_mail_config_t *config, const kz_mail__message_t *message,
                        apr_pool_t *scratch_pool)
{
    talk_t talk = {.data = message->bytes, .left = message->size, .stage = BEFORE};
    struct curl_slist *recipients;
    const char *url = NULL;
    int loopback = 0;
    kz_err_t *err;
    CURL *curl;

    KZ_TRY(make_url(&url, &loopback, config, message->from, scratch_pool));
    curl = curl_easy_init();
    recipients = curl_slist_append(NULL, message->to);
    if (curl && recipients) {
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_MAIL_FROM, message->from);
        curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
        set_security(curl, config, loopback);
        set_limits(curl, config);
        err = perform(curl, &talk);
    } else {
        err = kz_err_create(KZ_ERR_INTERNAL, "mail: out of memory");
    }
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return err;
}
