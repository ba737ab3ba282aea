/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a worker gives up before it sees the first foreign byte. */
#ifndef KZ_SCAND_SANDBOX_H
#define KZ_SCAND_SANDBOX_H

#include <stdint.h>

/* Enters the sandbox for good: no new privileges, resource limits, Landlock (only DIR can be read
 * and written, gconv's modules read), seccomp (no new sockets, no programs, no processes; any other
 * call kills). MAX_UNPACKED bounds files and, generously, memory. Returns 0, or -1 after a line in
 * the log: then the caller must end. A kernel without Landlock is a warning. */
int kz_sandbox_enter(const char *dir, uint64_t max_unpacked);

/* The two parts that need more than a line each; for kz_sandbox_enter() alone. -1: failed, logged.
 */
int kz_landlock_enter(const char *dir);
int kz_seccomp_enter(void);

/* In a process of its own enters the sandbox with DIR and tries what must not work; writes a line
 * "name: refused" or "name: ALLOWED" for each on standard output. Returns 0 if nothing was allowed.
 */
int kz_selftest_run(const char *dir);

#endif
