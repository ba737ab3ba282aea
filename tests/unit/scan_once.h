/* A scan from beginning to end. */
#ifndef KZ_TESTS_SCAN_ONCE_H
#define KZ_TESTS_SCAN_ONCE_H

#include "io/scan/scan.h"

static inline kz_err_t *scan_memfd(kz_scan_verdict_t *verdict, const char *socket_path, int memfd,
                                   apr_time_t deadline, apr_pool_t *pool)
{
    kz_scan_t *scan;

    *verdict = (kz_scan_verdict_t){KZ_SCAN_UNSCANNABLE, "error"};
    KZ_TRY(kz_scan_begin(&scan, socket_path, memfd, deadline, pool));
    return kz_scan_await(verdict, scan, pool);
}

#endif
