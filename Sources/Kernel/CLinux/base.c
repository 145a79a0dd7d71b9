#define _GNU_SOURCE
#include "clinux_base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

long skiff_syscall(long number, long a, long b, long c, long d, long e, long f) {
    int saved = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1) result = -errno;
    errno = saved;
    return result;
}

int skiff_pipe(int32_t ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno; }

int skiff_dup3(int source, int target) {
    int result = dup3(source, target, O_CLOEXEC);
    return result == -1 ? -errno : result;
}

int skiff_accept(int socket) {
    int connection = accept4(socket, 0, 0, SOCK_CLOEXEC);
    return connection == -1 ? -errno : connection;
}

int skiff_memfd(const char *name) {
    int descriptor = memfd_create(name, MFD_CLOEXEC);
    return descriptor == -1 ? -errno : descriptor;
}
