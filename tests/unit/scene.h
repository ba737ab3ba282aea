/* Helpers for tests with files: a folder for one test, whole files, and errors checked with their
 * details shown. */
#ifndef KZ_TESTS_SCENE_H
#define KZ_TESTS_SCENE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_pools.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "base/err.h"

/* Checks that EXPRESSION succeeds. */
#define assert_ok(expression)                                                                      \
    do {                                                                                           \
        kz_err_t *scene_err = (expression);                                                        \
        if (scene_err) {                                                                           \
            print_error("%s: %s\n", kz_err_name(kz_err_code(scene_err)),                           \
                        kz_err_detail(scene_err));                                                 \
            kz_err_free(scene_err);                                                                \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

/* Checks that EXPRESSION fails with CODE. */
#define assert_code(expression, code)                                                              \
    do {                                                                                           \
        kz_err_t *scene_err = (expression);                                                        \
        assert_non_null(scene_err);                                                                \
        if (kz_err_code(scene_err) != (code)) {                                                    \
            print_error("%s: %s\n", kz_err_name(kz_err_code(scene_err)),                           \
                        kz_err_detail(scene_err));                                                 \
            kz_err_free(scene_err);                                                                \
            fail();                                                                                \
        }                                                                                          \
        kz_err_free(scene_err);                                                                    \
    } while (0)

/* Makes a new folder below $TMPDIR or /tmp. */
static inline const char *scene_folder(apr_pool_t *pool)
{
    const char *tmp = getenv("TMPDIR");
    char *path = apr_pstrcat(pool, tmp ? tmp : "/tmp", "/kz-XXXXXX", NULL);

    assert_non_null(mkdtemp(path));
    return path;
}

static inline int scene_unlink(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Removes a folder with its content. */
static inline void scene_remove(const char *folder)
{
    nftw(folder, scene_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void scene_write(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Returns the whole file, with a NUL after it. */
static inline unsigned char *scene_read(size_t *len, const char *path, apr_pool_t *pool)
{
    FILE *file = fopen(path, "re");
    unsigned char *data;
    struct stat info;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    data = apr_pcalloc(pool, (size_t)info.st_size + 1);
    *len = fread(data, 1, (size_t)info.st_size, file);
    assert_int_equal(*len, info.st_size);
    fclose(file);
    return data;
}

static inline int scene_proc(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), good;

    good = fd >= 0 && write(fd, text, strlen(text)) >= 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* Gives the program a mount namespace of its own, as root or in a user namespace: no other process
 * sees its mounts, and none is left over. */
static inline int scene_namespace(void)
{
    char users[64], groups[64];
    static int done;

    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (!done && unshare(CLONE_NEWNS) != 0 &&
        (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !scene_proc("/proc/self/uid_map", users) ||
         !scene_proc("/proc/self/setgroups", "deny") || !scene_proc("/proc/self/gid_map", groups)))
        return 0;
    done = done || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return done;
}

/* Mounts a tmpfs ("size=512k") on a folder. Returns 0, with a message, where that isn't allowed. */
static inline int scene_mount(const char *path, const char *options)
{
    if (scene_namespace() && mount("tmpfs", path, "tmpfs", 0, options) == 0)
        return 1;
    print_message("mounting is not allowed here: %s\n", strerror(errno));
    return 0;
}

#endif
