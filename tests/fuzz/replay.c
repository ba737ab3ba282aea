/* Runs a fuzz target over a corpus without libFuzzer: every file that is named, and every file in a
 * folder that is named. So the corpus is a test of the normal run. Fails when there is nothing. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

/* Runs the file at PATH: 1, or -1. The copy is of exactly its size, so that a sanitizer sees a read
 * behind the end. */
static int run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "re");
    uint8_t *data = malloc(size ? size : 1);
    int good = file && data && fread(data, 1, size, file) == size;

    if (!good)
        complain(path);
    else
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    if (file)
        fclose(file);
    return good ? 1 : -1;
}

static int run_path(const char *path);

/* Runs every file of a folder: how many, or -1. Names that start with a dot are left out. */
static int run_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort), i, done = 0;

    if (count < 0)
        return complain(path);
    for (i = 0; i < count; i++) {
        char inner[4096];
        int got = 0;

        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            got = run_path(inner);
        done = got < 0 || done < 0 ? -1 : done + got;
        free(entries[i]);
    }
    free(entries);
    return done;
}

static int run_path(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return complain(path);
    return S_ISDIR(info.st_mode) ? run_folder(path) : run_file(path, (size_t)info.st_size);
}

int main(int argc, char **argv)
{
    int i, total = 0;

    for (i = 1; i < argc; i++) {
        int done = run_path(argv[i]);

        if (done <= 0) {
            fprintf(stderr, "%s: nothing to replay\n", argv[i]);
            return EXIT_FAILURE;
        }
        total += done;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
