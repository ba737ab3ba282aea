/* SPDX-License-Identifier: GPL-2.0-only */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_A_MINUTE 600

static char role[32] = "start";
static int ends[2] = {-1, -1}; /* of the pipe: the keeper's, its children's */

void kz_log_role(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(role, sizeof role, format, args);
    va_end(args);
}

static void make_printable(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
}

void kz_log(const char *format, ...)
{
    char line[512];
    int start = snprintf(line, sizeof line, "kanzlei-scand[%d] %s: ", (int)getpid(), role);
    va_list args;
    size_t length;

    va_start(args, format);
    vsnprintf(line + start, 400, format, args);
    va_end(args);
    length = strlen(line);
    make_printable(line, length);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* nobody reads: there is nowhere else to say it */
}

int kz_log_collect(void)
{
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        kz_log("a pipe for the log: %s", strerror(errno));
        return -1;
    }
    return 0;
}

int kz_log_source(void)
{
    return ends[0];
}

void kz_log_divert(void)
{
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
}

/* Whether one more line may be written in this minute. */
static int has_room(void)
{
    static time_t minute;
    static unsigned written, left_out;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec / 60 != minute) {
        minute = now.tv_sec / 60;
        if (left_out)
            kz_log("%u lines of masters and workers were left out", left_out);
        written = left_out = 0;
    }
    if (written < LINES_A_MINUTE)
        return (int)++written;
    left_out++;
    return 0;
}

void kz_log_relay(void)
{
    static char line[1024];
    static size_t length;
    char bytes[4096];
    ssize_t got;

    while ((got = read(ends[0], bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != '\n' && length < sizeof line - 1) {
                line[length++] = bytes[i];
                continue;
            }
            make_printable(line, length);
            line[length++] = '\n';
            if (has_room() && write(STDERR_FILENO, line, length) < 0)
                return;
            length = 0;
            if (bytes[i] != '\n')
                line[length++] = bytes[i];
        }
}
