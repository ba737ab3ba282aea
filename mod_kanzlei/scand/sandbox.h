/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a worker gives up before it sees the first foreign byte. */
#ifndef KZ_SCAND_SANDBOX_H
#define KZ_SCAND_SANDBOX_H

#include <stdint.h>

/* Whether a kernel without Landlock will do: where the scanner has a user of its own, that user's
 * rights hold files back as well. */
typedef enum kz_landlock_t { KZ_LANDLOCK_MUST, KZ_LANDLOCK_MAY } kz_landlock_t;

/* Enters the sandbox for good: no new privileges, resource limits, Landlock (only DIR can be read
 * and written, the modules for code pages read), seccomp (no new sockets, programs, processes or
 * code, no change of a file's rights, no signals; any other call kills). MAX_UNPACKED bounds files
 * and, generously, memory. Returns 0, or -1 after a line in the log: then the caller must end. */
int kz_sandbox_enter(const char *dir, uint64_t max_unpacked, kz_landlock_t landlock);

/* The kernel's version of Landlock (its ABI); 0: it has none. */
int kz_landlock_abi(void);

/* The two parts that need more than a line each; for kz_sandbox_enter() alone. -1: failed, logged.
 */
int kz_landlock_enter(const char *dir);
int kz_seccomp_enter(void);

/* Tries what a worker must not be able to do (forbidden.h), each in a process and a sandbox of its
 * own below DIR; writes a line for each on standard output: "name: refused", "killed" or, for what
 * must work, "works"; in capitals what is wrong. Returns 0 if nothing is. */
int kz_selftest_run(const char *dir);

#endif
