/* The portal's mails: invitation, new password, new documents. Written in the reader's language, by
 * the templates html/mail. What they tell is noted when the mail server has taken them. */
#include "work/job.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/text.h"
#include "model/people/code.h"
#include "model/proof/event.h"
#include "views.h"

#define KZ_MAILER_AT_ONCE   500 /* documents that one mail tells of */
#define KZ_MAILER_DOCUMENTS 10  /* named in one mail; the others are counted */

static const kz_words_t *words_of(const kz_site_t *site, const char *language)
{
    int i;

    for (i = 0; site->languages[i]; i++) {
        if (strcmp(kz_words_language(site->languages[i]), language) == 0)
            return site->languages[i];
    }
    return site->languages[0];
}

/* WORDS as a header takes them, in one clean line: a name may be older than the rules for names.
 * NULL where nothing can be done. */
static const char *one_line(const char *words, apr_pool_t *pool)
{
    return kz_text_area(words, strlen(words), pool);
}

/* ADDRESS, or NULL: one that can't be used would stop every mail of the firm. */
static const char *usable(const char *address, apr_pool_t *pool)
{
    const char *ascii;
    kz_err_t *err = *address ? kz_mail_address(&ascii, address, pool) : NULL;

    if (err)
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0080) "the firm's address is left out: ", err);
    return err || !*address ? NULL : address;
}

/* Renders the mail NAME and sends it to the person. ID ties all tries of one mail together. */
static kz_err_t *post(const kz_site_t *site, kz_grant_t *grant, const char *name, kz_view_t *view,
                      kz_mail_t *mail)
{
    const kz_templates_t *templates = kz_words_templates(kz_view_words(view));
    apr_pool_t *pool = kz_view_pool(view);
    kz_q_job_firm_t *firm;
    kz_rendered_t text, html;

    KZ_TRY(kz_grant_again(grant));
    KZ_TRY(kz_q_job_firm(&firm, kz_grant_db(grant), pool));
    kz_grant_rest(grant); /* the mail server is waited for without a connection */
    kz_view_text(view, "firm_name", firm->name);
    kz_view_text(view, "name", mail->to_name);
    kz_view_text(view, "lang", kz_words_language(kz_view_words(view)));
    kz_view_text(view, "url",
                 apr_pstrcat(pool, site->portal->conf->url, "/k/", kz_grant_slug(grant), NULL));
    mail->from_name = one_line(firm->name, pool);
    mail->to_name = one_line(mail->to_name, pool);
    mail->reply_to = usable(firm->email, pool);
    mail->subject =
        one_line(kz_view_phrase(kz_view_words(view),
                                apr_pstrcat(pool, "mail.", name, ".subject", NULL), view, pool),
                 pool);
    KZ_TRY(kz_templates_render(&text, templates, apr_pstrcat(pool, "mail/", name, ".txt", NULL),
                               NULL, kz_view_value(view), pool));
    KZ_TRY(kz_templates_render(&html, templates, apr_pstrcat(pool, "mail/", name, ".html", NULL),
                               "mail/layout.html", kz_view_value(view), pool));
    mail->text = text.text;
    mail->html = html.text;
    return kz_mail_send(&site->portal->mail, mail, pool);
}

static const char *message_id(const kz_site_t *site, const char *id, apr_pool_t *pool)
{
    const char *from = strchr(site->portal->conf->mail_from, '@');

    return apr_pstrcat(pool, id, from ? from : "@localhost", NULL);
}

/* The mail server has taken the mail with a code: what is noted of it is committed with the end of
 * its job. */
static kz_err_t *note_code(kz_grant_t *grant, const kz_q_job_take_t *job, const char *client)
{
    kz_event_t event = {.account = job->by, .client = client, .subject = job->account};

    KZ_TRY(kz_grant_again(grant));
    KZ_TRY(kz_q_job_mail_ended(NULL, kz_grant_db(grant),
                               &(kz_q_job_mail_ended_args_t){job->account, 0}));
    KZ_TRY(kz_q_code_sent(NULL, kz_grant_db(grant), &(kz_q_code_sent_args_t){job->code}));
    if (strcmp(job->purpose, KZ_CODE_INVITATION) == 0)
        return kz_event_add(grant, KZ_EVENT_INVITED, &event);
    return NULL;
}

/* Which mail has the code: whoever has a password is not invited any more. */
static const char *code_mail(const kz_q_job_take_t *job, const kz_q_code_reader_t *reader)
{
    if (strcmp(job->purpose, KZ_CODE_PASSWORD) == 0)
        return "password";
    return reader->has_password ? "renewal" : "invitation";
}

/* Mails a code; one of the staff who is locked gets none for a forgotten password. */
kz_err_t *kz_mailer_code(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,
                         apr_pool_t *pool)
{
    kz_q_code_reader_args_t whose = {job->code, job->account};
    kz_mail_t mail = {.message_id = message_id(site, job->id, pool)};
    kz_q_code_reader_t *reader;
    const char *code;
    kz_view_t *view;

    KZ_TRY(kz_code_unseal(&code, grant, job->code, job->sealed.data, job->sealed.len, pool));
    KZ_TRY(kz_q_code_reader(&reader, kz_grant_db(grant), &whose, pool));
    if (!reader || (reader->locked && strcmp(job->purpose, KZ_CODE_PASSWORD) == 0))
        return NULL;
    if (reader->is_over && reader->has_password)
        return NULL; /* there is nothing to do with it any more */
    if (reader->is_over)
        return kz_err_create(KZ_ERR_INVALID,
                             "the code was of no use any more before its mail went");
    view = kz_view_create(words_of(site, reader->language), pool);
    kz_view_text(view, "user", reader->user);
    kz_view_text(view, "code", code);
    kz_view_time(view, "expires", reader->expires);
    kz_view_flag(view, "to_staff", strcmp(reader->kind, "staff") == 0);
    mail.to = reader->email;
    mail.to_name = reader->name;
    KZ_TRY(post(site, grant, code_mail(job, reader), view, &mail));
    return note_code(grant, job, reader->client);
}

/* The ids of documents as an array literal; TOLD: only of those to be told of. */
static const char *ids_of(const kz_q_job_documents_t *documents, int n, int told, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, n, sizeof(const char *));
    int i;

    for (i = 0; i < n; i++) {
        if (documents[i].tell || !told)
            APR_ARRAY_PUSH(ids, const char *) = documents[i].id;
    }
    return apr_pstrcat(pool, "{", apr_array_pstrcat(pool, ids, ','), "}", NULL);
}

/* The person has been told of DOCUMENTS, as far as there was something to TELL: committed with the
 * end of the job. */
static kz_err_t *note_told(kz_grant_t *grant, const kz_q_job_take_t *job,
                           const kz_q_job_documents_t *documents, int n, int told, apr_pool_t *pool)
{
    kz_q_job_notified_args_t taken = {ids_of(documents, n, 1, pool), job->client, job->account};
    kz_q_job_untold_end_args_t end = {ids_of(documents, n, 0, pool), job->client, job->account};
    kz_q_job_notified_t *noted;
    int count = 0, i;

    KZ_TRY(kz_grant_again(grant));
    if (told) {
        KZ_TRY(kz_q_job_notified(&noted, &count, kz_grant_db(grant), &taken, pool));
        KZ_TRY(kz_q_job_mail_ended(NULL, kz_grant_db(grant),
                                   &(kz_q_job_mail_ended_args_t){job->account, 0}));
    }
    for (i = 0; i < count; i++) {
        kz_event_t event = {
            .client = job->client, .document = noted[i].document, .subject = job->account};

        KZ_TRY(kz_event_add(grant, KZ_EVENT_NOTIFIED, &event));
    }
    KZ_TRY(kz_q_job_untold_end(NULL, kz_grant_db(grant), &end));
    if (n == KZ_MAILER_AT_ONCE)
        return kz_q_job_more(NULL, kz_grant_db(grant), &(kz_q_job_more_args_t){job->id});
    return NULL;
}

/* Puts what is to be told in front. Returns how many that are. */
static int sort_told(kz_q_job_documents_t *documents, int n)
{
    int told = 0, i;

    for (i = 0; i < n; i++) {
        kz_q_job_documents_t one = documents[i];

        if (!one.tell)
            continue;
        documents[i] = documents[told];
        documents[told++] = one;
    }
    return told;
}

/* Tells one of a client's people of what the firm has provided, unless that person has opened it,
 * or has no access any more. */
kz_err_t *kz_mailer_provided(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,
                             apr_pool_t *pool)
{
    kz_q_job_documents_args_t new_to = {job->client, job->account, KZ_MAILER_AT_ONCE};
    kz_q_job_person_args_t who = {job->account, job->client};
    kz_mail_t mail = {.message_id = message_id(site, job->id, pool)};
    kz_q_job_documents_t *documents;
    kz_q_job_person_t *person;
    kz_view_t *view;
    int n, told, listed = 0;

    KZ_TRY(kz_q_job_person(&person, kz_grant_db(grant), &who, pool));
    KZ_TRY(kz_q_job_documents(&documents, &n, kz_grant_db(grant), &new_to, pool));
    told = sort_told(documents, n);
    if (!person || told == 0)
        return n > 0 ? note_told(grant, job, documents, n, 0, pool) : NULL;
    if (strcmp(person->detail, "names") == 0)
        listed = told < KZ_MAILER_DOCUMENTS ? told : KZ_MAILER_DOCUMENTS;
    view = kz_view_create(words_of(site, person->language), pool);
    kz_view_text(view, "client_name", documents[0].client_name);
    kz_view_flag(view, "names", listed > 0);
    kz_show_job_documents(view, "documents", documents, listed);
    kz_view_count(view, "more_count", listed ? told - listed : 0);
    mail.to = person->email;
    mail.to_name = person->name;
    KZ_TRY(post(site, grant, "provided", view, &mail));
    return note_told(grant, job, documents, n, told, pool);
}

/* Tells a client that staff have made a code for the access: whoever holds it can enter. */
kz_err_t *kz_mailer_code_made(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,
                              apr_pool_t *pool)
{
    kz_q_job_code_made_args_t args = {job->account};
    kz_mail_t mail = {.message_id = message_id(site, job->id, pool)};
    kz_q_job_code_made_t *person;
    kz_view_t *view;

    KZ_TRY(kz_q_job_code_made(&person, kz_grant_db(grant), &args, pool));
    kz_grant_rest(grant);
    if (!person)
        return NULL;
    view = kz_view_create(words_of(site, person->language), pool);
    kz_view_text(view, "user", person->user);
    mail.to = person->email;
    mail.to_name = person->name;
    return post(site, grant, "code_made", view, &mail);
}
