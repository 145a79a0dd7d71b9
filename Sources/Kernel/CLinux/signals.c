#define _GNU_SOURCE
#include "clinux_signals.h"

#include <errno.h>
#include <fcntl.h>
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

static int forward_to = -1;

static void forward(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    /* A full pipe already holds what the reader needs to know. */
    if (write(forward_to, &byte, 1) == -1) { }
    errno = saved;
}

int32_t skiff_forward_signals(uint64_t mask) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == -1) return -errno;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    forward_to = ends[1];
    struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int signal = 1; signal <= 64; signal++)
        if ((mask & (1ULL << (signal - 1))) && sigaction(signal, &action, 0) == -1) return -errno;
    return ends[0];
}
