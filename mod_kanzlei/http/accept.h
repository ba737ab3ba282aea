/* Accept and Accept-Language (RFC 9110 sections 12.5.1 and 12.5.4). Knows no httpd: fuzzed alone.
 */
#ifndef KZ_HTTP_ACCEPT_H
#define KZ_HTTP_ACCEPT_H

/* How much the media type TYPE ("text/html") is wanted, in thousandths: 0 is not at all, 1000 most.
 * The most specific range decides, the first of several equal ones. */
int kz_accept_type(const char *accept, const char *type);

/* The index of the language that ACCEPT wants most, -1 if it wants none of them. COUNT LANGUAGES
 * are primary tags ("de"); a region in ACCEPT ("de-AT") makes no difference. */
int kz_accept_language(const char *accept, const char *const *languages, int count);

#endif
