#ifndef SKIFF_CLINUX_BASE_H
#define SKIFF_CLINUX_BASE_H

#include <stdint.h>

/* A raw system call. Returns the kernel's result, or the negated errno; errno itself is not touched. */
long skiff_syscall(long number, long a, long b, long c, long d, long e, long f);

/* Both ends close-on-exec. 0 or the negated errno. */
int skiff_pipe(int32_t ends[2]);

/* Makes `target` another name of `source`, close-on-exec. `target` or the negated errno. */
int skiff_dup3(int source, int target);

/* An anonymous file in memory, close-on-exec. A descriptor or the negated errno. */
int skiff_memfd(const char *name);

/* Accepts one connection, close-on-exec. A descriptor or the negated errno. */
int skiff_accept(int socket);

#endif
