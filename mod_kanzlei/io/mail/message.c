#include "io/mail/parts.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <apr_strings.h>
#include <gmime/gmime.h>

#define WORDS_MAX 2000 /* bytes of a subject or a name */
#define ID_MAX    200  /* bytes of a message id, which is a file's name too */

/* httpd unloads modules with their libraries when it reads its configuration again; GObject's types
 * can't be registered twice in a process, so the library that registers them stays. */
static void start(void)
{
    (void)dlopen("libgmime-3.0.so.0", RTLD_NOW | RTLD_NODELETE);
    g_mime_init();
}

void kz_mail__init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start);
}

/* A header's value must be one line of clean UTF-8: with a line end in a client's name, its author
 * could add headers. WHAT is for the log. */
static kz_err_t *check_words(const char *what, const char *words)
{
    if (!words)
        return NULL;
    if (strlen(words) > WORDS_MAX)
        return kz_err_create(KZ_ERR_INVALID, "mail: %s is too long", what);
    if (!g_utf8_validate(words, -1, NULL))
        return kz_err_create(KZ_ERR_INVALID, "mail: %s is not UTF-8", what);
    for (const char *at = words; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
            return kz_err_create(KZ_ERR_INVALID, "mail: %s holds a control character", what);
    }
    return NULL;
}

/* RFC 5322's msg-id, narrowed to what is a safe file name as well. */
static kz_err_t *check_id(const char *id)
{
    const char *at = id ? strchr(id, '@') : NULL;
    const char *safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

    if (!at || at == id || !at[1] || id[0] == '.' || strlen(id) > ID_MAX ||
        strspn(id, safe) != (size_t)(at - id) || strspn(at + 1, safe) != strlen(at + 1))
        return kz_err_create(KZ_ERR_INVALID, "mail: not a message id");
    return NULL;
}

static kz_err_t *check(const kz_mail_t *mail)
{
    KZ_TRY(check_id(mail->message_id));
    KZ_TRY(check_words("subject", mail->subject));
    KZ_TRY(check_words("name of the sender", mail->from_name));
    KZ_TRY(check_words("name of the recipient", mail->to_name));
    if (!mail->subject || !mail->text || !mail->html)
        return kz_err_create(KZ_ERR_INVALID, "mail: subject, text or HTML is missing");
    if (!g_utf8_validate(mail->text, -1, NULL) || !g_utf8_validate(mail->html, -1, NULL))
        return kz_err_create(KZ_ERR_INVALID, "mail: text or HTML is not UTF-8");
    return NULL;
}

static void add_part(GMimeMultipart *multipart, const char *subtype, const char *text)
{
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_mime_multipart_add(multipart, GMIME_OBJECT(part));
    g_object_unref(content);
    g_object_unref(stream);
    g_object_unref(part);
}

/* The headers but those of the content. GMime's encoded-words are too long, and it takes what looks
 * like one for one. */
static const char *headers_of(const kz_mail__message_t *envelope, const char *reply_to,
                              const kz_mail_t *mail, apr_pool_t *pool)
{
    GDateTime *now = g_date_time_new_now_utc();
    char *date = g_mime_utils_header_format_date(now);
    const char *headers = apr_pstrcat(
        pool,
        "From: ", kz_mail__mailbox(mail->from_name, envelope->from, sizeof "From: " - 1, pool),
        "\r\n", reply_to ? "Reply-To: " : "",
        reply_to ? kz_mail__mailbox(mail->from_name, reply_to, sizeof "Reply-To: " - 1, pool) : "",
        reply_to ? "\r\n" : "",
        "To: ", kz_mail__mailbox(mail->to_name, envelope->to, sizeof "To: " - 1, pool),
        "\r\nSubject: ", kz_mail__words(mail->subject, sizeof "Subject: " - 1, pool),
        "\r\nDate: ", date, "\r\nMessage-Id: <", mail->message_id,
        ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", NULL);

    g_free(date);
    g_date_time_unref(now);
    return headers;
}

static GMimeMultipart *content_of(const kz_mail_t *mail)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype("alternative");

    g_mime_multipart_set_boundary(multipart, NULL); /* a random one */
    add_part(multipart, "plain", mail->text);
    add_part(multipart, "html", mail->html);
    return multipart;
}

static kz_err_t *write_out(kz_mail__message_t *out, const char *headers, GMimeMultipart *content,
                           apr_pool_t *result_pool)
{
    GMimeFormatOptions *options = g_mime_format_options_new();
    GMimeStream *stream = g_mime_stream_mem_new();
    kz_err_t *err = NULL;

    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    if (g_mime_stream_write_string(stream, headers) < 0 ||
        g_mime_object_write_to_stream(GMIME_OBJECT(content), options, stream) < 0) {
        err = kz_err_create(KZ_ERR_INTERNAL, "mail: the message can't be written");
    } else {
        GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));

        out->bytes = apr_pmemdup(result_pool, bytes->data, bytes->len);
        out->size = bytes->len;
    }
    g_object_unref(stream);
    g_mime_format_options_free(options);
    return err;
}

kz_err_t *kz_mail__compose(kz_mail__message_t *out, const char *from, const kz_mail_t *mail,
                           apr_pool_t *result_pool)
{
    const char *reply_to = NULL;
    GMimeMultipart *content;
    kz_err_t *err;

    kz_mail__init();
    err = kz_mail_address(&out->from, from, result_pool);
    if (err) {
        kz_err_expected(err); /* its words are for a recipient's address */
        return kz_err_create(KZ_ERR_CONFIG, "mail: the sender's address is not a mail address");
    }
    KZ_TRY(kz_mail_address(&out->to, mail->to, result_pool));
    if (mail->reply_to)
        KZ_TRY(kz_mail_address(&reply_to, mail->reply_to, result_pool));
    KZ_TRY(check(mail));
    content = content_of(mail);
    err = write_out(out, headers_of(out, reply_to, mail, result_pool), content, result_pool);
    g_object_unref(content);
    return err;
}
