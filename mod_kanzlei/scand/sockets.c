/* SPDX-License-Identifier: GPL-2.0-only */
#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* Binds under a name of its own, then renames: nobody can connect before it is complete. */
static int listen_at(ino_t *inode, const char *path, const kz_connectors_t *who)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    struct stat st;
    int bad;

    snprintf(address.sun_path, sizeof address.sun_path, "%.92s.%d", path, (int)getpid() % 1000000);
    unlink(address.sun_path);
    bad = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    bad = bad || lchown(address.sun_path, who->owner, who->group) ||
          (who->group != (gid_t)-1 && chmod(address.sun_path, 0660)) || listen_as(fd, who->owner) ||
          stat(address.sun_path, &st) || rename(address.sun_path, path);
    if (bad) {
        kz_log("can't listen at %s: %s", path, strerror(errno));
        unlink(address.sun_path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *inode = st.st_ino;
    return fd;
}

static void status_path(char out[128], const char *path)
{
    snprintf(out, 128, "%.100s" KZ_SCAND_STATUS_SUFFIX, path);
}

int kz_sockets_open(kz_sockets_t *sockets, const char *path, const kz_connectors_t *connectors)
{
    char status[128];

    status_path(status, path);
    sockets->path = path;
    sockets->work = listen_at(&sockets->inode[0], path, connectors);
    sockets->status = sockets->work < 0 ? -1 : listen_at(&sockets->inode[1], status, connectors);
    return sockets->status < 0 ? -1 : 0;
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
