/* SPDX-License-Identifier: GPL-2.0-only */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char role[32] = "start";

void kz_log_role(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(role, sizeof role, format, args);
    va_end(args);
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
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* nobody reads: there is nowhere else to say it */
}
