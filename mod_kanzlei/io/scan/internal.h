/* Reads the scanner's answers, for the files of io/scan. They come from a process that has read
 * foreign bytes: each of these functions is fuzzed alone. */
#ifndef KZ_IO_SCAN_INTERNAL_H
#define KZ_IO_SCAN_INTERNAL_H

#include <sys/types.h>

#include "io/scan/scan.h"
#include "scand/protocol.h"

/* Checks a message of LEN bytes (recv()'s result) from a worker, and ends its text. Returns 0 if it
 * is none. */
int kz_scan__is_reply(kz_scand_reply_t *reply, ssize_t len);
/* The same of the keeper's. */
int kz_scan__is_status(kz_scand_status_t *status, ssize_t len);

/* Takes the verdict of a checked REPLY that is not ALIVE. *VERDICT is CLEAN only if REPLY says so;
 * a reply that is no verdict leaves "unscannable: error" there. The name of what was found goes to
 * RESULT_POOL, and holds nothing but letters, digits and "._-/:+". Errors: SCANNER_DOWN (it
 * refuses, or answers what this side doesn't know). */
kz_err_t *kz_scan__verdict(kz_scan_verdict_t *verdict, const kz_scand_reply_t *reply,
                           apr_pool_t *result_pool);
/* Takes a checked status. Errors: SCANNER_DOWN (it is still loading, or its numbers
 * can't be). */
kz_err_t *kz_scan__status(kz_scan_status_t *status, const kz_scand_status_t *raw,
                          apr_pool_t *result_pool);

/* Leaves a scanner that may still hold MEMFD, which is to be released (kz_scan_release()) next: the
 * room is given back when it has hung up. CONNECTION is closed then. */
void kz_scan__let_go(int connection, int memfd);

#endif
