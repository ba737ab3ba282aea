/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The two listening sockets. */
#ifndef KZ_SCAND_SOCKETS_H
#define KZ_SCAND_SOCKETS_H

#include <sys/types.h>

#include "protocol.h"

typedef struct kz_sockets_t {
    int work;   /* accepted on by the workers; not blocking */
    int status; /* accepted on by the keeper; not blocking */
    const char *path;
    int before;       /* pidfd of the scanner that has the path until we take it; -1: none */
    char made[2][96]; /* names of the sockets until then */
    ino_t inode[2];   /* of the sockets at path and path.status */
} kz_sockets_t;

/* Who may connect. */
typedef struct kz_connectors_t {
    uid_t owner; /* of the sockets, whom we are to become; (uid_t)-1: us */
    gid_t group; /* may connect too; (gid_t)-1: nobody else */
} kz_connectors_t;

/* Makes the sockets for PATH, which must live as long, and PATH.status, and listens; nobody finds
 * them before kz_sockets_take(). BEFORE is the pid of a scanner that is at PATH, or 0. A client can
 * see the owner by SO_PEERCRED. Without root a group can be given that we are in, or that the
 * folder gives (mode g+s). Returns 0, or -1 after a line in the log. */
int kz_sockets_open(kz_sockets_t *sockets, const char *path, const kz_connectors_t *connectors,
                    pid_t before);

/* Puts both at PATH and PATH.status, in place of what a dead or an older scanner left, and tells
 * the older one to leave; once. Returns 0, or -1 after a line in the log. */
int kz_sockets_take(kz_sockets_t *sockets);

/* Removes what is still ours at the paths: a newer scanner may have taken them over. */
void kz_sockets_remove(const kz_sockets_t *sockets);

/* Sends STATUS to everybody who has connected to the status socket. Never blocks, reads nothing. */
void kz_sockets_answer(const kz_sockets_t *sockets, const kz_scand_status_t *status);

#endif
