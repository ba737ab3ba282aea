/* SPDX-License-Identifier: GPL-2.0-only
 *
 * One line per event on standard error, which httpd leads into its error log. */
#ifndef KZ_SCAND_LOG_H
#define KZ_SCAND_LOG_H

/* Names this process in the lines that follow: "keeper", "master", "worker 3". Copied. */
void kz_log_role(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes one line at once (so that lines of several processes do not mix), cut at 400 bytes,
 * control characters replaced. Never given a document's content or name. */
void kz_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
