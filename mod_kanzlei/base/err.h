/* Errors: NULL is success; an error carries a code (HTTP status, public sentence) and a detail that
 * only the log sees. Every function that can fail returns kz_err_t *, which the caller owns: it
 * passes it on (KZ_TRY), wraps it, or ends it with kz_err_free(). */
#ifndef KZ_BASE_ERR_H
#define KZ_BASE_ERR_H

#include <apr_errno.h>

typedef enum kz_err_code_t {
#define KZ_ERR(name, status, text) KZ_ERR_##name,
#include "base/err.def"
#undef KZ_ERR
} kz_err_code_t;

typedef struct kz_err_t kz_err_t;

/* Makes an error with a printf-like detail for the log (cut at 511 bytes, never a secret). Never
 * returns NULL: out of memory yields a static error. */
kz_err_t *kz_err_create(kz_err_code_t code, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* The same, with the words of an APR or errno status appended. */
kz_err_t *kz_err_status(kz_err_code_t code, apr_status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4), warn_unused_result));

/* Puts "detail: " in front of ERR's detail and keeps its code. Takes and returns ownership. */
kz_err_t *kz_err_wrap(kz_err_t *err, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* Names the form field that is wrong and the key of the sentence for it: a KZ_ERR_INVALID. FIELD
 * and TEXT must be literals or live as long as the error. */
kz_err_t *kz_err_field(const char *field, const char *text) __attribute__((warn_unused_result));

/* An error whose public sentence is SENTENCE itself (cut at 511 bytes), in the reader's language.
 * It does not go to the log. */
kz_err_t *kz_err_say(kz_err_code_t code, const char *sentence) __attribute__((warn_unused_result));
/* That sentence; NULL where the text's key says all. Lives as long as ERR. */
const char *kz_err_sentence(const kz_err_t *err);

kz_err_code_t kz_err_code(const kz_err_t *err);
int kz_err_http(const kz_err_t *err);           /* HTTP status, 400 to 599 */
const char *kz_err_text(const kz_err_t *err);   /* key of the public sentence, never NULL */
const char *kz_err_detail(const kz_err_t *err); /* for the log, never NULL, lives as long as ERR */
const char *kz_err_field_name(const kz_err_t *err); /* NULL if none */
const char *kz_err_name(kz_err_code_t code);        /* "NOT_FOUND" */

/* Ends an error; NULL is fine. */
void kz_err_free(kz_err_t *err);

/* What must be so: where it isn't, the function ends with an INTERNAL that says what and where. The
 * process goes on: other requests are none the worse for it. */
#define KZ_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return kz_err_assertion(#condition, __FILE__, __LINE__);                               \
    } while (0)
kz_err_t *kz_err_assertion(const char *condition, const char *file, int line)
    __attribute__((warn_unused_result));

#define KZ_TRY(expression)                                                                         \
    do {                                                                                           \
        kz_err_t *kz_try_err = (expression);                                                       \
        if (kz_try_err)                                                                            \
            return kz_try_err;                                                                     \
    } while (0)

#endif
