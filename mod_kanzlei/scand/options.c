/* SPDX-License-Identifier: GPL-2.0-only */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "protocol.h"

#define HARD_CAP (UINT64_C(2147483648) - 3) /* libclamav's own, bytes */

static const char usage[] =
    "Usage: kanzlei-scand --socket PATH --signatures DIR [OPTION]...\n"
    "\n"
    "  --socket PATH        listen here (and at PATH.status)\n"
    "  --signatures DIR     the database, as freshclam keeps it\n"
    "  --fallback DIR       test signatures, used while DIR has no database at all\n"
    "  --workers N          scans at once (2)\n"
    "  --max-bytes N        largest document (104857600)\n"
    "  --max-unpacked N     largest document with all that it contains (4 x max-bytes)\n"
    "  --max-time MS        longest scan (60000)\n"
    "  --tmp DIR            a tmpfs for what archives contain (/dev/shm, /tmp or /run)\n"
    "  --user NAME          started as root: become this user\n"
    "  --group GROUP        this group, by name or number, may connect: a portal that is another "
    "user\n"
    "  --poll S             look for a changed database every S seconds (30)\n"
    "  --without-landlock   start on a kernel without Landlock, too; only with --group\n"
    "  --replaces PID       take the path over from this scanner when all is loaded, and end it\n"
    "  --foreground         do not end when the parent process ends\n"
    "  --guard              the same, and start again what ends by a fault\n"
    "  --self-test-sandbox  try what a worker must not be able to do, and report\n";

enum {
    SOCKET = 1,
    SIGNATURES,
    FALLBACK,
    WORKERS,
    BYTES,
    UNPACKED,
    TIME,
    TMP,
    USER,
    GROUP,
    NO_LANDLOCK,
    POLL,
    REPLACES,
    FORE,
    GUARD,
    TEST,
    HELP
};

static const struct option names[] = {
    {"socket", required_argument, NULL, SOCKET},
    {"signatures", required_argument, NULL, SIGNATURES},
    {"fallback", required_argument, NULL, FALLBACK},
    {"workers", required_argument, NULL, WORKERS},
    {"max-bytes", required_argument, NULL, BYTES},
    {"max-unpacked", required_argument, NULL, UNPACKED},
    {"max-time", required_argument, NULL, TIME},
    {"tmp", required_argument, NULL, TMP},
    {"user", required_argument, NULL, USER},
    {"group", required_argument, NULL, GROUP},
    {"without-landlock", no_argument, NULL, NO_LANDLOCK},
    {"poll", required_argument, NULL, POLL},
    {"replaces", required_argument, NULL, REPLACES},
    {"foreground", no_argument, NULL, FORE},
    {"guard", no_argument, NULL, GUARD},
    {"self-test-sandbox", no_argument, NULL, TEST},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static uint64_t number(const char *text, uint64_t least, uint64_t most, int *bad)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value < least || value > most) {
        fprintf(stderr, "kanzlei-scand: %s is not a number from %llu to %llu\n", text,
                (unsigned long long)least, (unsigned long long)most);
        *bad = 1;
        return least;
    }
    return value;
}

static int take_option(kz_options_t *o, int option)
{
    int bad = 0;

    switch (option) {
    case SOCKET:
        o->socket = optarg;
        break;
    case SIGNATURES:
        o->signatures = optarg;
        break;
    case FALLBACK:
        o->fallback = optarg;
        break;
    case TMP:
        o->tmp = optarg;
        break;
    case USER:
        o->user = optarg;
        break;
    case GROUP:
        o->group = optarg;
        break;
    case NO_LANDLOCK:
        o->landlock = KZ_LANDLOCK_MAY;
        break;
    case WORKERS:
        o->workers = (unsigned)number(optarg, 1, 64, &bad);
        break;
    case BYTES:
        o->max_bytes = number(optarg, 1, HARD_CAP, &bad);
        break;
    case UNPACKED:
        o->max_unpacked = number(optarg, 1, HARD_CAP, &bad);
        break;
    case TIME:
        o->max_time_ms = (unsigned)number(optarg, 1, 3600000, &bad);
        break;
    case POLL:
        o->poll_s = (unsigned)number(optarg, 1, 86400, &bad);
        break;
    case REPLACES:
        o->replaces = (pid_t)number(optarg, 1, 1 << 22, &bad);
        break;
    case FORE:
        o->foreground = 1;
        break;
    case GUARD:
        o->guard = 1;
        break;
    case TEST:
        o->self_test = 1;
        break;
    default:
        bad = 1;
    }
    return bad;
}

int kz_options_read(kz_options_t *options, int argc, char **argv)
{
    const struct sockaddr_un *address = NULL;
    int option;

    *options =
        (kz_options_t){.workers = 2, .max_bytes = 100u << 20, .max_time_ms = 60000, .poll_s = 30};
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == HELP) {
            fputs(usage, stdout);
            return 0;
        }
        if (take_option(options, option)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (!options->max_unpacked)
        options->max_unpacked =
            options->max_bytes > HARD_CAP / 4 ? HARD_CAP : options->max_bytes * 4;
    if (options->max_unpacked < options->max_bytes)
        options->max_unpacked = options->max_bytes;
    if (options->self_test)
        return -1;
    if (optind != argc || !options->socket || !options->signatures) {
        fputs(usage, stderr);
        return 2;
    }
    if (options->landlock == KZ_LANDLOCK_MAY && !options->group) {
        fprintf(stderr, "kanzlei-scand: --without-landlock needs --group: as the portal's own user "
                        "the scanner could read its keys\n");
        return 2;
    }
    if (strlen(options->socket) + sizeof KZ_SCAND_STATUS_SUFFIX + 8 > sizeof address->sun_path) {
        fprintf(stderr, "kanzlei-scand: the path of the socket is too long (at most 92 bytes)\n");
        return 2;
    }
    return -1;
}
