#include "base/background.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

#define STACK (512 * 1024) /* bytes of a thread's stack, as httpd's threads have it */

typedef struct task_t {
    kz_err_t *(*work)(void *baton);
    void *baton;
    void *context; /* of the log */
    kz_err_t *err;
} task_t;

void kz_background_enter(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), KZ_BACKGROUND_NICE);
}

static void *task_main(void *baton)
{
    task_t *task = baton;

    kz_background_enter();
    kz_log_context_set(task->context);
    task->err = task->work(task->baton);
    return NULL;
}

/* Starts a thread that gets no signals: those are for the program's own threads. 0, or errno. */
static int thread_start(pthread_t *thread, task_t *task)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    int status;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status = pthread_create(thread, &attributes, task_main, task);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

kz_err_t *kz_background_run(kz_err_t *(*work)(void *baton), void *baton)
{
    task_t task = {.work = work, .baton = baton, .context = kz_log_context()};
    pthread_t thread;

    if (thread_start(&thread, &task) != 0)
        return work(baton);
    pthread_join(thread, NULL);
    return task.err;
}
