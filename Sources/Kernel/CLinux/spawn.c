#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

struct spawn {
    const char *path;
    int32_t executable;
    char *const *argv;
    char *const *envp;
    int32_t channel;
    int32_t error;
    const char *const *joins;
    /* Written by the child, in the memory that both share. */
    volatile int failure;
};

/* Moves a descriptor above those that the child is given, so that none is overwritten. */
static int lift(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 16); }

static int fail(struct spawn *spawn) {
    spawn->failure = errno;
    return 127;
}

/* Runs in the caller's memory on a stack of its own while the caller's thread waits: only system calls here. */
static int child(void *argument) {
    struct spawn *spawn = argument;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);

    for (const char *const *join = spawn->joins; join && *join; join++) {
        int fd = open(*join, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1) return fail(spawn);
        close(fd);
    }
    if (setsid() < 0) return fail(spawn);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return fail(spawn);
    int lifted = lift(null), channel = lift(spawn->channel);
    int error = lift(spawn->error < 0 ? null : spawn->error);
    int executable = spawn->executable < 0 ? -1 : lift(spawn->executable);
    if (lifted < 0 || channel < 0 || error < 0 || (spawn->executable >= 0 && executable < 0)) return fail(spawn);
    if (dup2(lifted, 0) < 0 || dup2(lifted, 1) < 0 || dup2(error, 2) < 0 || dup2(channel, 3) < 0) return fail(spawn);
    /* Everything is close-on-exec by rule; this holds it for what libraries opened. CLOSE_RANGE_CLOEXEC is 4. */
    syscall(SYS_close_range, 4U, ~0U, 4U);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (executable >= 0) {
        syscall(SYS_execveat, executable, "", spawn->argv, spawn->envp, AT_EMPTY_PATH);
    } else {
        execve(spawn->path, spawn->argv, spawn->envp);
    }
    return fail(spawn);
}

int32_t skiff_spawn(const char *path, int32_t executable, char *const argv[], char *const envp[], int32_t channel,
                    int32_t error, const char *const joins[], int32_t *pidfd) {
    const size_t size = 64 * 1024;
    struct spawn spawn = {path, executable, argv, envp, channel, error, joins, 0};
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int descriptor = -1;
    pid_t pid = clone(child, stack + size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &spawn, &descriptor);
    int result = pid < 0 ? -errno : pid;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, size);
    if (pid > 0 && spawn.failure != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        close(descriptor);
        return -spawn.failure;
    }
    if (pid > 0) *pidfd = descriptor;
    return result;
}

int32_t skiff_spawn_closes_from(void *actions, int32_t first) {
    return -posix_spawn_file_actions_addclosefrom_np(actions, first);
}
