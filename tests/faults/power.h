/* For slow.c, which wraps fsync() and open(). */
#ifndef KZ_TESTS_POWER_H
#define KZ_TESTS_POWER_H

/* FD was flushed: what it holds survives a power loss. */
void power_flushed(int fd);
/* FD was opened to be made or emptied. */
void power_made(int fd);

#endif
