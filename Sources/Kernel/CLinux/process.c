#define _GNU_SOURCE
#include "clinux_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int result(long value) { return value == -1 ? -errno : (int)value; }

int skiff_clone3(uint64_t flags, int cgroup, int32_t *pidfd) {
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    return result(syscall(SYS_clone3, &arguments, sizeof arguments));
}

int skiff_execute_descriptor(int executable, char *const argv[], char *const envp[]) {
    return result(syscall(SYS_execveat, executable, "", argv, envp, AT_EMPTY_PATH));
}

int skiff_pidfd_open(int pid) { return result(syscall(SYS_pidfd_open, pid, 0)); }

int skiff_pidfd_send_signal(int pidfd, int signal) {
    return result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int skiff_wait_pidfd(int pidfd, int options, int32_t *code, int32_t *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(3 /* P_PIDFD */, (id_t)pidfd, &info, options) == -1) return -errno;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *status = info.si_status;
    return 1;
}

int skiff_setns(int descriptor, uint64_t flags) { return result(syscall(SYS_setns, descriptor, flags)); }

int skiff_unshare(uint64_t flags) { return result(syscall(SYS_unshare, flags)); }

int skiff_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return result(prctl(option, a, b, c, d));
}

int skiff_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) == -1) return -errno;
    *effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    *inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return 0;
}

int skiff_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}};
    return result(syscall(SYS_capset, &header, data));
}

int skiff_seccomp_load(const uint8_t *instructions, unsigned count, unsigned flags) {
    struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)(uintptr_t)instructions};
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

/* Raw calls: glibc's would look for other threads to change along. */
int skiff_setgroups(const uint32_t *groups, unsigned long count) {
    return result(syscall(SYS_setgroups, count, groups));
}

int skiff_setresgid(uint32_t gid) { return result(syscall(SYS_setresgid, gid, gid, gid)); }

int skiff_setresuid(uint32_t uid) { return result(syscall(SYS_setresuid, uid, uid, uid)); }

int skiff_close_range(unsigned first, unsigned last, unsigned flags) {
    return result(syscall(SYS_close_range, first, last, flags));
}

int skiff_ioprio_set_self(int class, int priority) {
    return result(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, class << 13 | priority));
}

int skiff_new_session_keyring(void) {
    return result(syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL, 0, 0, 0));
}

int skiff_setrlimit_self(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard};
    return result(setrlimit(resource, &limit));
}

int skiff_getrlimit_self(int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) == -1) return -errno;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

void skiff_reset_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction current;
        if (sigaction(signal, NULL, &current) == 0 && current.sa_handler != SIG_DFL)
            sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int skiff_mknod_at(int directory, const char *name, uint32_t mode, uint32_t major, uint32_t minor) {
    return result(mknodat(directory, name, mode, makedev(major, minor)));
}

uint64_t skiff_device(uint32_t major, uint32_t minor) { return makedev(major, minor); }
uint32_t skiff_major(uint64_t device) { return major(device); }
uint32_t skiff_minor(uint64_t device) { return minor(device); }

int skiff_sethostname(const char *name, unsigned long length) {
    return result(syscall(SYS_sethostname, name, length));
}

int skiff_setdomainname(const char *name, unsigned long length) {
    return result(syscall(SYS_setdomainname, name, length));
}

int skiff_unlock_terminal(int master) {
    int unlocked = 0;
    return result(ioctl(master, TIOCSPTLCK, &unlocked));
}

int skiff_terminal_number(int master) {
    int number = 0;
    return ioctl(master, TIOCGPTN, &number) == -1 ? -errno : number;
}

int skiff_set_terminal_size(int terminal, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return result(ioctl(terminal, TIOCSWINSZ, &size));
}

int skiff_make_controlling_terminal(int terminal) { return result(ioctl(terminal, TIOCSCTTY, 0)); }
