/* Errors: NULL is success; an error carries a code (HTTP status, public sentence), a detail that
 * only the log sees, and the place in the sources where it began. Every function that can fail
 * returns kz_err_t *, which the caller owns. It passes it on (KZ_TRY), wraps it, or ends it in one
 * of three ways: kz_log_err() (base/log.h), kz_err_expected() for an answer that is no fault,
 * kz_err_free() when somebody was told of it. No error is ended unread. */
#ifndef KZ_BASE_ERR_H
#define KZ_BASE_ERR_H

#include <apr_errno.h>

typedef enum kz_err_code_t {
#define KZ_ERR(name, status, text) KZ_ERR_##name,
#include "base/err.def"
#undef KZ_ERR
} kz_err_code_t;

typedef struct kz_err_t kz_err_t;

/* kz_err_create(code, format, ...): makes an error with a printf-like detail for the log (cut at
 * 511 bytes, never a secret). Never returns NULL: out of memory yields a static error. */
#define kz_err_create(...) kz_err__create(__FILE__, __LINE__, __VA_ARGS__)
kz_err_t *kz_err__create(const char *file, int line, kz_err_code_t code, const char *format, ...)
    __attribute__((format(printf, 4, 5), warn_unused_result));

/* kz_err_status(code, status, format, ...): the same, with the words of an APR or errno status
 * appended. */
#define kz_err_status(...) kz_err__status(__FILE__, __LINE__, __VA_ARGS__)
kz_err_t *kz_err__status(const char *file, int line, kz_err_code_t code, apr_status_t status,
                         const char *format, ...)
    __attribute__((format(printf, 5, 6), warn_unused_result));

/* Puts "detail: " in front of ERR's detail and keeps its code and place. Takes and returns
 * ownership. */
kz_err_t *kz_err_wrap(kz_err_t *err, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* ERR, with the public sentence TEXT, the key of a text (a literal), instead of its code's own: for
 * an error that means more to the reader than its cause does. Takes and returns ownership. */
kz_err_t *kz_err_tell(kz_err_t *err, const char *text) __attribute__((warn_unused_result));

/* kz_err_field(field, text): a KZ_ERR_INVALID whose detail names the wrong form field; TEXT is the
 * key of the public sentence, a literal or a string that lives as long as the error. */
#define kz_err_field(field, text) kz_err__field(__FILE__, __LINE__, field, text)
kz_err_t *kz_err__field(const char *file, int line, const char *field, const char *text)
    __attribute__((warn_unused_result));

/* kz_err_say(code, sentence): an error whose public sentence is SENTENCE itself (cut at 511 bytes),
 * in the reader's language. It does not go to the log. */
#define kz_err_say(code, sentence) kz_err__say(__FILE__, __LINE__, code, sentence)
kz_err_t *kz_err__say(const char *file, int line, kz_err_code_t code, const char *sentence)
    __attribute__((warn_unused_result));
/* That sentence; NULL where the text's key says all. Lives as long as ERR. */
const char *kz_err_sentence(const kz_err_t *err);

/* Marks ERR as one that the log has a line about already, such as the database's that is away: it
 * is logged at the level DEBUG alone from now on. Returns ERR; NULL is fine. */
kz_err_t *kz_err_told(kz_err_t *err);
int kz_err_is_told(const kz_err_t *err);

/* What an errno of a file or folder means to us, as errno.def says; INTERNAL if it doesn't. */
kz_err_code_t kz_err_errno(int number);

kz_err_code_t kz_err_code(const kz_err_t *err);
int kz_err_http(const kz_err_t *err);           /* HTTP status, 400 to 599 */
const char *kz_err_text(const kz_err_t *err);   /* key of the public sentence, never NULL */
const char *kz_err_detail(const kz_err_t *err); /* for the log, never NULL, lives as long as ERR */
const char *kz_err_name(kz_err_code_t code);    /* "NOT_FOUND" */

const char *kz_err_file(const kz_err_t *err); /* where it began, below mod_kanzlei: "io/db/db.c" */
int kz_err_line(const kz_err_t *err);

/* Ends an error that was reported: in the log, on a page, to the caller of kanzleictl, or within
 * another error. NULL is fine. */
void kz_err_free(kz_err_t *err);
/* Ends an error that is no fault but an answer (a name is taken, a key is none); the caller says in
 * a comment or by the code that it asks for why it was to be expected. NULL is fine. */
void kz_err_expected(kz_err_t *err);

/* Asserts a condition: where it doesn't hold, the function returns an INTERNAL with the condition
 * and its place. The process goes on, and other requests with it. */
#define KZ_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return kz_err_create(KZ_ERR_INTERNAL, "assertion failed: %s", #condition);             \
    } while (0)

#define KZ_TRY(expression)                                                                         \
    do {                                                                                           \
        kz_err_t *kz_try_err = (expression);                                                       \
        if (kz_try_err)                                                                            \
            return kz_try_err;                                                                     \
    } while (0)

#endif
