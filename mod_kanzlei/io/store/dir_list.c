#include "io/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_tables.h>

typedef struct listing_t {
    int root;
    const char *prefix;
    kz_store_list_fn each;
    void *baton;
    apr_time_t deadline;
} listing_t;

/* One name in a folder: the key so far, with '/' behind it if it is a folder. */
typedef struct entry_t {
    const char *key;
    int folder;
    apr_uint64_t size;
} entry_t;

static int by_key(const void *left, const void *right)
{
    return strcmp(((const entry_t *)left)->key, ((const entry_t *)right)->key);
}

/* 1 if KEY (a folder's ends in '/'), or a key below it, starts with PREFIX. */
static int wanted(const char *key, int folder, const char *prefix)
{
    size_t key_len = strlen(key), prefix_len = strlen(prefix);

    if (key_len >= prefix_len || !folder)
        return strncmp(key, prefix, prefix_len) == 0;
    return strncmp(key, prefix, key_len) == 0;
}

/* Adds NAME of the folder ABOVE ("" or with '/' behind it), if it can be part of a key. */
static kz_err_t *add(apr_array_header_t *entries, const listing_t *listing, const char *above,
                     const char *name)
{
    const char *key = apr_pstrcat(entries->pool, above, name, NULL);
    kz_err_t *err = kz_store_key_check(key);
    struct stat info;
    entry_t *entry;

    if (err) {
        kz_err_expected(err); /* it is not ours */
        return NULL;
    }
    if (fstatat(listing->root, key, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? NULL : kz_store__io_error(errno, "listing", key);
    if (S_ISDIR(info.st_mode))
        key = apr_pstrcat(entries->pool, key, "/", NULL);
    else if (!S_ISREG(info.st_mode))
        return NULL;
    if (!wanted(key, S_ISDIR(info.st_mode), listing->prefix))
        return NULL;
    entry = apr_array_push(entries);
    *entry = (entry_t){key, S_ISDIR(info.st_mode), (apr_uint64_t)info.st_size};
    return NULL;
}

static DIR *folder_open(int root, const char *path)
{
    int fd = openat(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

/* The entries of the folder PATH in the order of their keys. */
static kz_err_t *folder_read(apr_array_header_t *entries, const listing_t *listing,
                             const char *path)
{
    DIR *dir = folder_open(listing->root, path);
    const struct dirent *name;
    kz_err_t *err = NULL;

    if (!dir)
        return errno == ENOENT ? NULL : kz_store__io_error(errno, "listing", path);
    while (!err && (errno = 0, name = readdir(dir)))
        err = add(entries, listing, path, name->d_name);
    if (!err && errno != 0) /* errno of readdir: nothing was called since */
        err = kz_store__io_error(errno, "listing", path);
    closedir(dir);
    qsort(entries->elts, (size_t)entries->nelts, sizeof(entry_t), by_key);
    return err;
}

/* A key has at most KZ_STORE_KEY_MAX bytes, so this goes at most half as deep. */
static kz_err_t *folder_list(const listing_t *listing, const char *path, apr_pool_t *above)
{
    apr_array_header_t *entries;
    kz_err_t *err;
    apr_pool_t *pool;
    int i;

    apr_pool_create(&pool, above);
    entries = apr_array_make(pool, 64, sizeof(entry_t));
    err = folder_read(entries, listing, path);
    for (i = 0; !err && i < entries->nelts; i++) {
        const entry_t *entry = &APR_ARRAY_IDX(entries, i, entry_t);

        err = kz_store__in_time(listing->deadline);
        if (!err && entry->folder)
            err = folder_list(listing, entry->key, pool);
        else if (!err)
            err = listing->each(listing->baton, entry->key, entry->size);
    }
    apr_pool_destroy(pool);
    return err;
}

kz_err_t *kz_store__dir_list(void *driver, const char *prefix, kz_store_list_fn each, void *baton,
                             apr_time_t deadline, apr_pool_t *scratch_pool)
{
    listing_t listing = {.prefix = prefix, .each = each, .baton = baton, .deadline = deadline};
    kz_err_t *err;

    KZ_TRY(kz_store__dir_root(&listing.root, driver, 1));
    err = folder_list(&listing, "", scratch_pool);
    close(listing.root);
    return err;
}

/* --- what crashes have left --- */

kz_err_t *kz_store__dir_sweep(void *driver, const char *key, apr_time_t before, apr_time_t deadline,
                              apr_pool_t *scratch_pool)
{
    char of[KZ_STORE_TEMPORARY_OF] = "";
    const struct dirent *name;
    kz_err_t *err = NULL;
    struct stat info;
    int root;
    DIR *dir;

    (void)scratch_pool;
    if (key)
        kz_store__dir_temporary_of(of, key);
    KZ_TRY(kz_store__dir_root(&root, driver, 1));
    dir = folder_open(root, KZ_STORE_TEMPORARY);
    if (!dir && errno != ENOENT)
        err = kz_store__io_error(errno, "sweeping", KZ_STORE_TEMPORARY);
    while (dir && !err && (name = readdir(dir))) {
        err = kz_store__in_time(deadline);
        if (!err && strncmp(name->d_name, of, strlen(of)) == 0 &&
            fstatat(dirfd(dir), name->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && apr_time_from_sec(info.st_mtime) < before &&
            unlinkat(dirfd(dir), name->d_name, 0) != 0 && errno != ENOENT)
            err = kz_store__io_error(errno, "sweeping", name->d_name);
    }
    if (dir)
        closedir(dir);
    close(root);
    return err;
}
