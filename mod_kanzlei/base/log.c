#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/metrics.h"

#define KZ_LOG_LINE 1024 /* bytes of a line, with the final NUL */

/* Detached threads may log while the hook is taken away. */
static struct {
    kz_log_hook_t _Atomic hook;
    void *_Atomic baton;
    _Atomic kz_log_level_t level;
} log_to;

static _Thread_local void *context_of_thread;

void kz_log_hook_set(kz_log_hook_t hook, void *baton, kz_log_level_t level)
{
    log_to.baton = baton;
    log_to.level = level;
    log_to.hook = hook;
}

void kz_log_context_set(void *context)
{
    context_of_thread = context;
}

void *kz_log_context(void)
{
    return context_of_thread;
}

void kz_log__write(kz_log_level_t level, const char *file, int line, const char *format, ...)
{
    kz_log_hook_t hook = log_to.hook; /* once */
    char text[KZ_LOG_LINE];
    va_list args;

    if (level <= KZ_LOG_ERR)
        KZ_COUNT(LOG_ERRORS);
    if (!hook || level > log_to.level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hook(log_to.baton, level, file, line, context_of_thread, text);
}

void kz_log_err_keep(kz_log_level_t level, const char *what, const kz_err_t *err)
{
    if (err)
        kz_log__write(kz_err_is_told(err) ? KZ_LOG_DEBUG : level, kz_err_file(err),
                      kz_err_line(err), "%s%s: %s (%s:%d)", what, kz_err_name(kz_err_code(err)),
                      kz_err_detail(err), kz_err_file(err), kz_err_line(err));
}

void kz_log_err(kz_log_level_t level, const char *what, kz_err_t *err)
{
    kz_log_err_keep(level, what, err);
    kz_err_free(err);
}

int kz_log__failed(const char *file, int line, const char *condition)
{
    kz_log__write(KZ_LOG_ERR, file, line, KZ_LOGNO(0040) "assertion failed: %s (%s:%d)", condition,
                  file, line);
    return 0;
}

kz_err_t *kz_log_second(kz_err_t *first, kz_err_t *second)
{
    if (!first)
        return second;
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0001) "behind another error: ", second);
    return first;
}
