#include "io/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#define BLOCK          (1024 * 1024) /* copied between two looks at the clock */
#define FLUSH          (4 * BLOCK)   /* after so much the disk begins, not at the end */
#define BUFFER         65536         /* for comparing, and for copying where sendfile can't */
#define TEMPORARY_ROOM (5 + 32 + 1)  /* ".tmp/", 16 bytes in hexadecimal, NUL */
#define TRIES          5             /* when a folder vanishes under us */

/* One write to one store. */
typedef struct write_t {
    int root;
    const char *key;
    int fd; /* the source, read by offset */
    apr_uint64_t size;
    apr_time_t deadline;
    int replace, give;
    char temporary[TEMPORARY_ROOM];
    apr_pool_t *pool;
} write_t;

/* --- copying and comparing --- */

static kz_err_t *copy_slowly(int to, const write_t *write, apr_uint64_t offset)
{
    char *buffer = apr_palloc(write->pool, BUFFER);

    while (offset < write->size) {
        ssize_t got = pread(write->fd, buffer, BUFFER, (off_t)offset), put, done;

        KZ_TRY(kz_store__in_time(write->deadline));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return kz_err_create(KZ_ERR_INTERNAL, "the source of %s ends early", write->key);
        if ((apr_uint64_t)got > write->size - offset)
            got = (ssize_t)(write->size - offset);
        for (done = 0; done < got; done += put) {
            put = pwrite(to, buffer + done, (size_t)(got - done), (off_t)offset + done);
            if (put < 0)
                return kz_store__io_error(errno, "writing", write->key);
        }
        offset += (apr_uint64_t)got;
    }
    return NULL;
}

/* By sendfile, not copy_file_range: that may share the blocks with the source, and then two stores
 * on one file system have one copy. */
static kz_err_t *copy(int to, const write_t *write)
{
    off_t offset = 0, begun = 0;

    while ((apr_uint64_t)offset < write->size) {
        apr_uint64_t left = write->size - (apr_uint64_t)offset;
        ssize_t sent = sendfile(to, write->fd, &offset, left < BLOCK ? (size_t)left : BLOCK);

        KZ_TRY(kz_store__in_time(write->deadline));
        if (sent < 0 && (errno == EINVAL || errno == ENOSYS))
            return copy_slowly(to, write, (apr_uint64_t)offset);
        if (sent < 0 && errno != EINTR)
            return kz_store__io_error(errno, "writing", write->key);
        if (sent == 0)
            return kz_err_create(KZ_ERR_INTERNAL, "the source of %s ends early", write->key);
        if (offset >= begun + FLUSH) {
            sync_file_range(to, begun, offset - begun, SYNC_FILE_RANGE_WRITE);
            begun = offset;
        }
    }
    return NULL;
}

static ssize_t pread_full(int fd, char *buffer, size_t len, off_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = pread(fd, buffer + done, len - done, offset + (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* Does the open file FD hold the bytes of the source? */
static kz_err_t *compare(int *same, int fd, const write_t *write)
{
    char *there = apr_palloc(write->pool, BUFFER), *source = apr_palloc(write->pool, BUFFER);
    struct stat info;
    off_t offset;

    *same = 0;
    if (fstat(fd, &info) != 0)
        return kz_store__io_error(errno, "looking at", write->key);
    if (!S_ISREG(info.st_mode) || (apr_uint64_t)info.st_size != write->size)
        return NULL;
    for (offset = 0; offset < info.st_size; offset += BUFFER) {
        ssize_t got = pread_full(fd, there, BUFFER, offset);

        KZ_TRY(kz_store__in_time(write->deadline));
        if (got < 0)
            return kz_store__io_error(errno, "reading", write->key);
        if (pread_full(write->fd, source, (size_t)got, offset) != got ||
            memcmp(there, source, (size_t)got) != 0)
            return NULL;
    }
    *same = 1;
    return NULL;
}

/* Is the object there already? CONFLICT if it is other bytes. */
static kz_err_t *look(int *there, const write_t *write)
{
    int fd = openat(write->root, write->key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    kz_err_t *err;

    *there = 0;
    if (fd < 0)
        return errno == ENOENT ? NULL : kz_store__io_error(errno, "opening", write->key);
    err = compare(there, fd, write);
    close(fd);
    if (!err && !*there)
        err = kz_err_create(KZ_ERR_CONFLICT, "%s holds other bytes", write->key);
    return err;
}

/* --- into place --- */

static kz_err_t *temporary_make(int *fd, write_t *write)
{
    unsigned char random[16];
    char hex[33];

    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    snprintf(write->temporary, sizeof write->temporary, KZ_STORE_TEMPORARY "/%s", hex);
    if (mkdirat(write->root, KZ_STORE_TEMPORARY, 0700) != 0 && errno != EEXIST)
        return kz_store__io_error(errno, "making a folder for", write->key);
    *fd = openat(write->root, write->temporary,
                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return kz_store__io_error(errno, "making a file for", write->key);
    return NULL;
}

/* Makes the folders above the object. 0, or errno. */
static int folders_make(const write_t *write)
{
    char *path = apr_pstrdup(write->pool, write->key), *slash = path;

    while ((slash = strchr(slash, '/'))) {
        *slash = 0;
        if (mkdirat(write->root, path, 0700) != 0 && errno != EEXIST)
            return errno;
        *slash++ = '/';
    }
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

static kz_err_t *move_in(const write_t *write)
{
    int tries, number = 0, there;

    for (tries = 0; tries < TRIES; tries++) {
        number = folders_make(write);
        if (number == 0)
            number = settle(write);
        if (number != ENOENT) /* a removal has pruned a folder in between */
            break;
    }
    if (number == EEXIST) { /* somebody else was faster */
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

/* The object's folder and those above it. Once the first is flushed the others cost nothing on a
 * journalling file system. */
static kz_err_t *sync_folders(const write_t *write)
{
    char *path = apr_pstrdup(write->pool, write->key), *slash;

    while ((slash = strrchr(path, '/'))) {
        *slash = 0;
        KZ_TRY(sync_folder(write, path));
    }
    return sync_folder(write, ".");
}

static kz_err_t *place_new(write_t *write)
{
    kz_err_t *err;
    int fd = -1;

    KZ_TRY(temporary_make(&fd, write));
    err = copy(fd, write);
    if (!err && fsync(fd) != 0)
        err = kz_store__io_error(errno, "flushing", write->key);
    if (close(fd) != 0 && !err)
        err = kz_store__io_error(errno, "closing", write->key);
    if (!err)
        err = kz_store__in_time(write->deadline);
    if (!err)
        err = move_in(write);
    if (err)
        unlinkat(write->root, write->temporary, 0);
    return err;
}

/* Gives the source's own file the object's name, if it lies on the store's file system. */
static kz_err_t *link_in(int *there, const write_t *write)
{
    const char *source = apr_psprintf(write->pool, "/proc/self/fd/%d", write->fd);

    if (fsync(write->fd) != 0)
        return kz_store__io_error(errno, "flushing", write->key);
    *there = folders_make(write) == 0 &&
             linkat(AT_FDCWD, source, write->root, write->key, AT_SYMLINK_FOLLOW) == 0;
    return NULL; /* whatever came in between is found by copying */
}

static kz_err_t *place(write_t *write)
{
    int there = 0;

    if (!write->replace)
        KZ_TRY(look(&there, write));
    if (!there && write->give)
        KZ_TRY(link_in(&there, write));
    if (!there)
        KZ_TRY(place_new(write));
    return sync_folders(write);
}

static kz_err_t *place_marked(write_t *write, void *driver)
{
    kz_err_t *err;

    KZ_TRY(kz_store_key_check(write->key));
    if (strcmp(write->key, KZ_STORE_MARKER) == 0)
        return kz_err_create(KZ_ERR_INVALID, "the marker is not to be written so");
    KZ_TRY(kz_store__dir_root(&write->root, driver, 1));
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

kz_err_t *kz_store__dir_give(void *driver, const char *key, int fd, apr_uint64_t size,
                             apr_time_t deadline, apr_pool_t *scratch_pool)
{
    write_t write = {
        .key = key, .fd = fd, .size = size, .deadline = deadline, .give = 1, .pool = scratch_pool};

    return place_marked(&write, driver);
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

/* Nothing in it but what a fresh file system has, and what an interrupted try has left. */
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
    const kz_store__dir_t *dir = driver;
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
