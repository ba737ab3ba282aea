/* SPDX-License-Identifier: GPL-2.0-only */
#include "sockets.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

#define BACKLOG 1024 /* uploads that wait for a worker; the kernel caps it */

/* As the user whom we are to become: SO_PEERCRED tells clients who has begun to listen. */
static int listen_as(int fd, uid_t owner)
{
    uid_t self = geteuid();
    int bad;

    if (owner != (uid_t)-1 && seteuid(owner))
        return -1;
    bad = listen(fd, BACKLOG);
    return seteuid(self) || bad ? -1 : 0;
}

/* Binds under a name of its own, MADE: nobody can connect before it is complete. */
static int listen_at(char made[96], const char *path, const kz_connectors_t *who)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int bad;

    snprintf(made, 96, "%.86s.%d", path, (int)getpid() % 1000000);
    strcpy(address.sun_path, made);
    unlink(made);
    bad = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    bad = bad || lchown(made, who->owner, who->group) ||
          (who->group != (gid_t)-1 && chmod(made, 0660)) || listen_as(fd, who->owner);
    if (bad) {
        kz_log("can't listen at %s: %s", path, strerror(errno));
        unlink(made);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static int name_it(ino_t *inode, const char *path, const char *made)
{
    struct stat st;

    if (stat(made, &st) || rename(made, path)) {
        kz_log("can't listen at %s: %s", path, strerror(errno));
        unlink(made);
        return -1;
    }
    *inode = st.st_ino;
    return 0;
}

static void status_path(char out[128], const char *path)
{
    snprintf(out, 128, "%.100s" KZ_SCAND_STATUS_SUFFIX, path);
}

int kz_sockets_open(kz_sockets_t *sockets, const char *path, const kz_connectors_t *connectors,
                    pid_t before)
{
    char status[128];

    status_path(status, path);
    *sockets = (kz_sockets_t){.path = path, .before = -1};
    if (before)
        sockets->before = (int)syscall(SYS_pidfd_open, before, 0);
    sockets->work = listen_at(sockets->made[0], path, connectors);
    sockets->status = sockets->work < 0 ? -1 : listen_at(sockets->made[1], status, connectors);
    return sockets->status < 0 ? -1 : 0;
}

int kz_sockets_take(kz_sockets_t *sockets)
{
    char status[128];
    int bad = 0;

    status_path(status, sockets->path);
    if (*sockets->made[0])
        bad = name_it(&sockets->inode[0], sockets->path, sockets->made[0]) ||
              name_it(&sockets->inode[1], status, sockets->made[1]);
    *sockets->made[0] = '\0';
    if (sockets->before >= 0) {
        syscall(SYS_pidfd_send_signal, sockets->before, SIGUSR1, NULL, 0);
        close(sockets->before);
    }
    sockets->before = -1;
    return bad ? -1 : 0;
}

static void remove_ours(const char *path, ino_t inode)
{
    struct stat st;

    if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && st.st_ino == inode)
        unlink(path);
}

void kz_sockets_remove(const kz_sockets_t *sockets)
{
    char status[128];

    status_path(status, sockets->path);
    if (*sockets->made[0]) {
        unlink(sockets->made[0]);
        unlink(sockets->made[1]);
    }
    remove_ours(sockets->path, sockets->inode[0]);
    remove_ours(status, sockets->inode[1]);
}

void kz_sockets_answer(const kz_sockets_t *sockets, const kz_scand_status_t *status)
{
    int fd;

    while ((fd = accept4(sockets->status, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        send(fd, status, sizeof *status, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
}
