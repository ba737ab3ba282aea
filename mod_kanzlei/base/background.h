/* Threads that yield: pages have the processors before what nobody looks at in this moment, such as
 * scans and copies. On Linux each thread has a nice value of its own (setpriority(2), under "C
 * library/kernel differences"), which it may raise and, without a privilege, never lower again. */
#ifndef KZ_BASE_BACKGROUND_H
#define KZ_BASE_BACKGROUND_H

#include "base/err.h"

#define KZ_BACKGROUND_NICE 10 /* a tenth of the share of a thread with 0 */

/* This thread, and those that it starts, yield from now on. No harm is done where that fails. */
void kz_background_enter(void);

/* Does WORK in a thread of its own that yields, waits for its end and returns what it returned.
 * BATON, and pools in it, are the other thread's meanwhile. Where no thread is to be had, WORK is
 * done in this one. */
kz_err_t *kz_background_run(kz_err_t *(*work)(void *baton), void *baton);

#endif
