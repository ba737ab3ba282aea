/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The log of the scanner: standard error, which httpd leads to its error log. The keeper alone has
 * its descriptor: what masters and workers say goes to the keeper by a pipe. */
#ifndef KZ_SCAND_LOG_H
#define KZ_SCAND_LOG_H

/* Which process speaks, for all lines from now on: "keeper", "worker 2". */
void kz_log_role(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes one line; what is not printable ASCII becomes "?". No name of a document may be in it. */
void kz_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In the keeper, once: makes the pipe. Returns 0, or -1 after a line. */
int kz_log_collect(void);
/* The end of it that the keeper reads; -1 before kz_log_collect(). */
int kz_log_source(void);
/* In the keeper: writes the lines that wait in the pipe to the log, as many a minute as a report of
 * a sanitizer needs, and counts the others: a worker that was taken over does not fill the disk. */
void kz_log_relay(void);
/* In a child of the keeper: the pipe becomes its standard error. */
void kz_log_divert(void);

#endif
