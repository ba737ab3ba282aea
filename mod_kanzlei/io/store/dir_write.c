#include "io/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#define TRIES 5 /* when a folder vanishes under us */

typedef kz_store__dir_write_t write_t;

/* --- into place --- */

/* Looks whether the object is there already. CONFLICT if it has other bytes. */
static kz_err_t *look(int *there, const write_t *write)
{
    int fd = openat(write->root, write->key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    kz_err_t *err;

    *there = 0;
    if (fd < 0)
        return errno == ENOENT ? NULL : kz_store__io_error(errno, "opening", write->key);
    err = kz_store__dir_same(there, fd, write);
    close(fd);
    if (!err && !*there)
        err = kz_err_create(KZ_ERR_CONFLICT, "%s holds other bytes", write->key);
    return err;
}

void kz_store__dir_temporary_of(char out[KZ_STORE_TEMPORARY_OF], const char *key)
{
    unsigned char hash[16];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)key, strlen(key), NULL, 0);
    sodium_bin2hex(out, KZ_STORE_TEMPORARY_OF, hash, sizeof hash);
}

static kz_err_t *temporary_choose(write_t *write)
{
    char of[KZ_STORE_TEMPORARY_OF], hex[17];
    unsigned char random[8];

    kz_store__dir_temporary_of(of, write->key);
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    snprintf(write->temporary, sizeof write->temporary, KZ_STORE_TEMPORARY "/%s-%s", of, hex);
    if (mkdirat(write->root, KZ_STORE_TEMPORARY, 0700) != 0 && errno != EEXIST)
        return kz_store__io_error(errno, "making a folder for", write->key);
    return NULL;
}

static kz_err_t *temporary_make(int *fd, const write_t *write)
{
    *fd = openat(write->root, write->temporary,
                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return kz_store__io_error(errno, "making a file for", write->key);
    return NULL;
}

/* Makes the folders above the object, those that are missing; *MADE becomes how many of the lowest
 * ones that were, unless it was more before. 0, or errno. */
static int folders_make(int *made, const write_t *write)
{
    char *path = apr_pstrdup(write->pool, write->key), *slash = path;
    int missing = 0;

    while ((slash = strchr(slash, '/'))) {
        *slash = 0;
        if (mkdirat(write->root, path, 0700) == 0)
            missing++;
        else if (errno != EEXIST)
            return errno;
        else if (missing > 0) /* another write made this one just now */
            missing++;
        *slash++ = '/';
    }
    if (missing > *made)
        *made = missing;
    return 0;
}

/* Renames without overwriting; link where the file system can't. 0, or errno. */
static int settle(const write_t *write)
{
    if (write->replace)
        return renameat(write->root, write->temporary, write->root, write->key) == 0 ? 0 : errno;
    if (renameat2(write->root, write->temporary, write->root, write->key, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(write->root, write->temporary, write->root, write->key, 0) != 0)
        return errno;
    unlinkat(write->root, write->temporary, 0);
    return 0;
}

static kz_err_t *move_in(int *made, const write_t *write)
{
    int tries, number = 0, there;

    for (tries = 0; tries < TRIES; tries++) {
        number = folders_make(made, write);
        if (number == 0)
            number = settle(write);
        if (number != ENOENT) /* a removal has pruned a folder in between */
            break;
    }
    if (number == EEXIST) {       /* somebody else was faster */
        *made = KZ_STORE_KEY_MAX; /* and may not have flushed them yet */
        KZ_TRY(look(&there, write));
        unlinkat(write->root, write->temporary, 0);
        return there ? NULL : kz_err_create(KZ_ERR_STORE_DOWN, "%s comes and goes", write->key);
    }
    return number == 0 ? NULL : kz_store__io_error(number, "settling", write->key);
}

static kz_err_t *sync_folder(const write_t *write, const char *path)
{
    int fd = openat(write->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kz_err_t *err = NULL;

    if (fd < 0 || fsync(fd) != 0)
        err = kz_store__io_error(errno, "flushing the folder of", write->key);
    if (fd >= 0)
        close(fd);
    return err;
}

/* The object's folder, and those above it in which one of the MADE lowest ones is new. The write
 * that made an older folder flushes it before it is done, and file systems with a journal keep the
 * order: when the object's folder is on the disk, so is everything before it. */
static kz_err_t *sync_folders(int made, const write_t *write)
{
    char *path = apr_pstrdup(write->pool, write->key), *slash;

    while ((slash = strrchr(path, '/'))) {
        *slash = 0;
        KZ_TRY(sync_folder(write, path));
        if (made-- == 0)
            return NULL;
    }
    return sync_folder(write, ".");
}

/* Copies to the temporary file. */
static kz_err_t *copy_in(const write_t *write)
{
    kz_err_t *err;
    int fd = -1;

    KZ_TRY(temporary_make(&fd, write));
    err = kz_store__dir_copy(fd, write);
    if (!err && fsync(fd) != 0)
        err = kz_store__io_error(errno, "flushing", write->key);
    if (close(fd) != 0 && !err)
        err = kz_store__io_error(errno, "closing", write->key);
    if (!err)
        err = kz_store__in_time(write->deadline);
    if (err)
        unlinkat(write->root, write->temporary, 0);
    return err;
}

static int links(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 ? (int)info.st_nlink : 0;
}

/* Makes the source's own file the temporary one, if it lies on the store's file system and no
 * store has it: two copies in one file would be one. It is looked at before, because a store may
 * have it since an earlier try, and behind, because another one may take it at the same time. */
static kz_err_t *link_in(int *linked, const write_t *write)
{
    const char *source = apr_psprintf(write->pool, "/proc/self/fd/%d", write->fd);

    *linked = 0;
    if (fdatasync(write->fd) != 0)
        return kz_store__io_error(errno, "flushing", write->key);
    if (links(write->fd) != 1 ||
        linkat(AT_FDCWD, source, write->root, write->temporary, AT_SYMLINK_FOLLOW) != 0)
        return NULL;
    *linked = links(write->fd) == 2;
    if (!*linked && unlinkat(write->root, write->temporary, 0) != 0)
        return kz_store__io_error(errno, "giving back the file of", write->key);
    return NULL;
}

/* Everything but giving the name, unless that is there already. */
static kz_err_t *prepare(write_t *write)
{
    int linked = 0;

    if (!write->replace)
        KZ_TRY(look(&write->there, write));
    if (write->there)
        return NULL;
    KZ_TRY(temporary_choose(write));
    if (write->given)
        KZ_TRY(link_in(&linked, write));
    return linked ? NULL : copy_in(write);
}

static void drop(const write_t *write)
{
    if (!write->there)
        unlinkat(write->root, write->temporary, 0);
}

static kz_err_t *name(const write_t *write)
{
    int made = write->there ? KZ_STORE_KEY_MAX : 0; /* its writer may not be done */
    kz_err_t *err = write->there ? NULL : move_in(&made, write);

    if (err)
        drop(write);
    return err ? err : sync_folders(made, write);
}

static kz_err_t *place(write_t *write)
{
    KZ_TRY(prepare(write));
    return name(write);
}

/* Opens the store's folder for WRITE. Close it. */
static kz_err_t *open_marked(write_t *write, void *driver)
{
    KZ_TRY(kz_store_key_check(write->key));
    if (strcmp(write->key, KZ_STORE_MARKER) == 0)
        return kz_err_create(KZ_ERR_INVALID, "the marker is not to be written so");
    return kz_store__dir_root(&write->root, driver, 1);
}

static kz_err_t *place_marked(write_t *write, void *driver)
{
    kz_err_t *err;

    KZ_TRY(open_marked(write, driver));
    err = place(write);
    close(write->root);
    return err;
}

kz_err_t *kz_store__dir_put(void *driver, const char *key, int fd, apr_uint64_t size,
                            apr_time_t deadline, apr_pool_t *scratch_pool)
{
    write_t write = {
        .key = key, .fd = fd, .size = size, .deadline = deadline, .pool = scratch_pool};

    return place_marked(&write, driver);
}

kz_err_t *kz_store__dir_stage(void **staged, void *driver, const kz_store_source_t *source,
                              apr_time_t deadline, apr_pool_t *pool)
{
    write_t *write = apr_pcalloc(pool, sizeof *write);
    kz_err_t *err;

    write->key = apr_pstrdup(pool, source->key);
    write->fd = source->fd;
    write->size = source->size;
    write->given = source->given;
    write->deadline = deadline;
    write->pool = pool;
    KZ_TRY(open_marked(write, driver));
    err = prepare(write);
    if (err)
        close(write->root);
    *staged = write;
    return err;
}

kz_err_t *kz_store__dir_name(void *staged)
{
    const write_t *write = staged;
    kz_err_t *err = name(write);

    close(write->root);
    return err;
}

void kz_store__dir_drop(void *staged)
{
    const write_t *write = staged;

    drop(write);
    close(write->root);
}

kz_err_t *kz_store__dir_replace(void *driver, const char *key, int fd, apr_uint64_t size,
                                apr_time_t deadline, apr_pool_t *scratch_pool)
{
    write_t write = {.key = key,
                     .fd = fd,
                     .size = size,
                     .deadline = deadline,
                     .replace = 1,
                     .pool = scratch_pool};

    return place_marked(&write, driver);
}

/* --- the marker --- */

/* 1 if it holds nothing but the files of a fresh file system and the remains of an interrupted try.
 */
static kz_err_t *check_empty(int root, const char *path)
{
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    kz_err_t *err = NULL;

    if (!dir) {
        err = kz_store__io_error(errno, "listing", path);
        if (fd >= 0)
            close(fd);
        return err;
    }
    while (!err && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0 &&
            strcmp(entry->d_name, KZ_STORE_TEMPORARY) != 0)
            err = kz_err_create(KZ_ERR_CONFLICT, "%s is not empty", path);
    closedir(dir);
    return err;
}

kz_err_t *kz_store__dir_mark(void *driver, const char *text, apr_time_t deadline,
                             apr_pool_t *scratch_pool)
{
    kz_store__dir_t *dir = driver;
    write_t write = {
        .key = KZ_STORE_MARKER, .size = strlen(text), .deadline = deadline, .pool = scratch_pool};
    kz_err_t *err;

    KZ_TRY(kz_store__dir_root(&write.root, dir, 0));
    write.fd = memfd_create("marker", MFD_CLOEXEC);
    if (write.fd < 0 || pwrite(write.fd, text, write.size, 0) != (ssize_t)write.size)
        err = kz_store__io_error(errno, "preparing", KZ_STORE_MARKER);
    else
        err = check_empty(write.root, dir->root);
    if (!err)
        err = place(&write);
    if (write.fd >= 0)
        close(write.fd);
    close(write.root);
    return err;
}
