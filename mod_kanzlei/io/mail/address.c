#include "io/mail/parts.h"

#include <regex.h>
#include <string.h>

#include <apr_strings.h>
#include <idn2.h>

#define ADDRESS_MAX 254 /* bytes: RFC 5321 4.5.3.1.3, a path less its <> */
#define LOCAL_MAX   64  /* bytes: RFC 5321 4.5.3.1.1 */

/* WHATWG HTML, "valid e-mail address": what <input type=email> takes. */
#define ATOM  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

/* Compiled anew each time: a pattern that was kept would be lost with each reload of the module. */
static int fits(const char *address)
{
    regex_t pattern;
    int fits;

    if (regcomp(&pattern, "^" ATOM "(\\." ATOM ")*@" LABEL "(\\." LABEL ")*$",
                REG_EXTENDED | REG_NOSUB) != 0)
        return 0;
    fits = regexec(&pattern, address, 0, NULL, 0) == 0;
    regfree(&pattern);
    return fits;
}

static int is_mailbox(const char *address)
{
    const char *at = strchr(address, '@');

    return at && at - address <= LOCAL_MAX && strlen(address) <= ADDRESS_MAX && fits(address);
}

static int is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text > 127)
            return 0;
    return 1;
}

/* The same address with a domain of A-labels; NULL when the domain has none (RFC 5891). */
static const char *to_ascii(const char *address, apr_pool_t *pool)
{
    const char *domain = strchr(address, '@');
    char *ascii = NULL;
    const char *whole = NULL;

    if (is_ascii(address))
        return apr_pstrdup(pool, address);
    if (domain && idn2_lookup_u8((const uint8_t *)domain + 1, (uint8_t **)&ascii,
                                 IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
        whole = apr_psprintf(pool, "%.*s@%s", (int)(domain - address), address, ascii);
    idn2_free(ascii);
    return whole;
}

kz_err_t *kz_mail_address(const char **ascii, const char *address, apr_pool_t *result_pool)
{
    *ascii = NULL;
    if (address && strlen(address) <= ADDRESS_MAX)
        *ascii = to_ascii(address, result_pool);
    if (!*ascii || !is_mailbox(*ascii))
        return kz_err_create(KZ_ERR_INVALID, "not a mail address");
    return NULL;
}
