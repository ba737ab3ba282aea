/* The log, for code that knows no httpd: a line goes to the hook that the program has set, httpd's
 * error log or kanzleictl's standard error; without one, nowhere. A line has a level, the place in
 * the sources, and, while a request is at work, its context. Each message has a number of its own,
 * so that an operator can look it up whatever its words: KZ_LOGNO(0012), unique in mod_kanzlei (a
 * guard looks). No line has a secret, or a document's content. */
#ifndef KZ_BASE_LOG_H
#define KZ_BASE_LOG_H

#include "base/err.h"

/* The numbers of syslog's severities (RFC 5424, section 6.2.1), which httpd uses, too. */
typedef enum kz_log_level_t {
    KZ_LOG_CRIT = 2,    /* the portal doesn't work */
    KZ_LOG_ERR = 3,     /* somebody's request failed, and it was our fault */
    KZ_LOG_WARNING = 4, /* something was not done, and is not done by itself at once */
    KZ_LOG_NOTICE = 5,
    KZ_LOG_INFO = 6, /* a request failed by its sender's fault; a job will try again */
    KZ_LOG_DEBUG = 7
} kz_log_level_t;

/* Takes one line: TEXT without a newline, valid during the call alone; CONTEXT of the thread, or
 * NULL. Called by many threads at once. */
typedef void (*kz_log_hook_t)(void *baton, kz_log_level_t level, const char *file, int line,
                              void *context, const char *text);

/* Sets the hook of this process, for lines up to LEVEL; before other threads start. NULL: none. */
void kz_log_hook_set(kz_log_hook_t hook, void *baton, kz_log_level_t level);

/* What the hook gets with each line of this thread from now on: http/ gives the request at work. */
void kz_log_context_set(void *context);
/* The same, for a thread that works for this one; NULL: none. */
void *kz_log_context(void);

#define KZ_LOGNO(number) "KZ" #number ": "

/* KZ_LOG(KZ_LOG_WARNING, KZ_LOGNO(0012) "printf-like %s", text). Cut at 1023 bytes. */
#define KZ_LOG(level, ...) kz_log__write(level, __FILE__, __LINE__, __VA_ARGS__)
void kz_log__write(kz_log_level_t level, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Logs ERR and ends it: WHAT (a KZ_LOGNO() and words that end in ": ", or no words), the code's
 * name, the detail, the place where it began. Does nothing when ERR is NULL. */
void kz_log_err(kz_log_level_t level, const char *what, kz_err_t *err);
/* The same, and ERR goes on living: it is to be shown, too. */
void kz_log_err_keep(kz_log_level_t level, const char *what, const kz_err_t *err);

/* KZ_HOLDS(condition): what must be so, for functions that return no error; else false, and logged
 * with its place. The caller goes on with what is safe. See KZ_ASSERT. */
#define KZ_HOLDS(condition) ((condition) || kz_log__failed(__FILE__, __LINE__, #condition))
int kz_log__failed(const char *file, int line, const char *condition); /* 0 */

/* The one to pass on of two errors, either of which may be NULL: FIRST if there is one, and then
 * SECOND, which mostly follows from it, is logged (INFO) and ended. */
kz_err_t *kz_log_second(kz_err_t *first, kz_err_t *second) __attribute__((warn_unused_result));

#endif
