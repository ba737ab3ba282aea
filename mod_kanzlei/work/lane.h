/* A lane: work that must not wait for other work. Each is a watchdog of mod_watchdog with a thread
 * of its own in every child of httpd; on each host one that is ready is at work, the others wait
 * for its end. */
#ifndef KZ_WORK_LANE_H
#define KZ_WORK_LANE_H

#include "template/site.h"

typedef enum kz_lane_id_t {
    KZ_LANE_MAILS,   /* jobs that send mails */
    KZ_LANE_SEALS,   /* seals of events; leases of dead processes, the scanner's state, old rows */
    KZ_LANE_UPLOADS, /* uploads that were left behind, spool files of nobody */
    KZ_LANE_COPIES,  /* bad copies, objects of discarded documents, leftovers in the stores */
    KZ_LANES
} kz_lane_id_t;

/* What a lane knows, in this child. Its thread alone uses it once that runs. */
typedef struct kz_lane_t {
    kz_lane_id_t id;
    const char *name;        /* of the watchdog */
    int turns;               /* file of the turns of all lanes: work/jobs.c */
    kz_site_t *_Atomic site; /* NULL: this child is not ready, and takes nothing */
    apr_time_t asked, sealed, tidied, swept, proved; /* when last; 0: not yet */
} kz_lane_t;

/* 1 when httpd stops or restarts: the next child does the work that has not begun. */
int kz_lane_is_ending(void);

/* Does what is due in LANE, for a few seconds of each kind at most (a task that has begun is
 * finished). Errors are logged. For the lane's thread. */
void kz_lane_run(kz_lane_t *lane, apr_pool_t *pool);

#endif
