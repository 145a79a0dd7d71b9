#define _GNU_SOURCE
#include "clinux_signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int32_t skiff_signalfd(uint64_t mask) {
    sigset_t set;
    sigemptyset(&set);
    for (int signal = 1; signal <= 64; signal++)
        if (mask & (1ULL << (signal - 1))) sigaddset(&set, signal);
    if (sigprocmask(SIG_BLOCK, &set, 0) == -1) return -errno;
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor == -1 ? -errno : descriptor;
}

int32_t skiff_read_signal(int32_t descriptor, int32_t *sender) {
    struct signalfd_siginfo info;
    long count = read(descriptor, &info, sizeof info);
    if (count == -1) return errno == EAGAIN ? 0 : -errno;
    if (count != sizeof info) return 0;
    *sender = (int32_t)info.ssi_pid;
    return (int32_t)info.ssi_signo;
}
