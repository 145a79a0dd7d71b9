#define _GNU_SOURCE
#include "clinux_init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Faults are this process's own, never passed on. */
static const int own_signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};

static void run_child(char *const *arguments, const sigset_t *mask) {
    setpgid(0, 0);
    /* Where there is a terminal the program owns it; a write to it by this background group must not stop us. */
    if (isatty(STDIN_FILENO) && tcsetpgrp(STDIN_FILENO, getpid()) < 0 && errno != ENOTTY && errno != ENXIO) {
        dprintf(STDERR_FILENO, "docker-init: cannot hand the terminal over: %s\n", strerror(errno));
    }
    signal(SIGTTIN, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(arguments[0], arguments);
    int status = errno == ENOENT ? 127 : 126;
    dprintf(STDERR_FILENO, "docker-init: exec %s failed: %s\n", arguments[0], strerror(errno));
    _exit(status);
}

static int exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

int skiff_init_run(char *const *arguments) {
    sigset_t waited, before;
    sigfillset(&waited);
    for (unsigned index = 0; index < sizeof own_signals / sizeof *own_signals; index++) {
        sigdelset(&waited, own_signals[index]);
    }
    sigprocmask(SIG_SETMASK, &waited, &before);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    pid_t child = fork();
    if (child < 0) {
        dprintf(STDERR_FILENO, "docker-init: fork failed: %s\n", strerror(errno));
        return 126;
    }
    if (child == 0) run_child(arguments, &before);
    int result = -1;
    while (result < 0) {
        int number = sigwaitinfo(&waited, NULL);
        if (number < 0) continue;
        if (number != SIGCHLD) {
            kill(child, number);
            continue;
        }
        int status;
        pid_t ended;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
            if (ended == child) result = exit_status(status);
        }
    }
    return result;
}
