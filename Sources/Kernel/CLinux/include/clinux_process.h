#ifndef SKIFF_CLINUX_PROCESS_H
#define SKIFF_CLINUX_PROCESS_H

#include <stdint.h>

/* clone3(2) as a fork: the caller must be single-threaded, the child goes on with a copy of its memory.
   `flags`: CLONE_NEW* of the child. `cgroup`: a version 2 directory to be born in, or -1.
   Returns the pid (and *pidfd, close-on-exec), 0 in the child, or the negated errno. */
int skiff_clone3(uint64_t flags, int cgroup, int32_t *pidfd);

/* execveat(2) of a descriptor (O_PATH will do). Returns only with the negated errno. */
int skiff_execute_descriptor(int executable, char *const argv[], char *const envp[]);

int skiff_pidfd_open(int pid);
int skiff_pidfd_send_signal(int pidfd, int signal);
/* Waits for the process of a pidfd with waitid(2)'s options; fills si_code and si_status.
   1: reported; 0: nothing yet (WNOHANG); or the negated errno. */
int skiff_wait_pidfd(int pidfd, int options, int32_t *code, int32_t *status);

int skiff_setns(int descriptor, uint64_t flags);
int skiff_unshare(uint64_t flags);
int skiff_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

/* Sets of 64 capability bits of the calling thread. */
int skiff_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
int skiff_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);

/* Loads `count` instructions of eight bytes with seccomp(2). A listener's descriptor, 0, or the negated errno. */
int skiff_seccomp_load(const uint8_t *instructions, unsigned count, unsigned flags);

int skiff_setgroups(const uint32_t *groups, unsigned long count);
int skiff_setresgid(uint32_t gid);
int skiff_setresuid(uint32_t uid);
int skiff_close_range(unsigned first, unsigned last, unsigned flags);
int skiff_ioprio_set_self(int class, int priority);
/* A new anonymous session keyring, so that the host's is not inherited. */
int skiff_new_session_keyring(void);
int skiff_setrlimit_self(int resource, uint64_t soft, uint64_t hard);
int skiff_getrlimit_self(int resource, uint64_t *soft, uint64_t *hard);
/* Every signal unblocked and back to its default action. */
void skiff_reset_signals(void);
int skiff_mknod_at(int directory, const char *name, uint32_t mode, uint32_t major, uint32_t minor);
uint64_t skiff_device(uint32_t major, uint32_t minor);
uint32_t skiff_major(uint64_t device);
uint32_t skiff_minor(uint64_t device);
int skiff_sethostname(const char *name, unsigned long length);
int skiff_setdomainname(const char *name, unsigned long length);

/* Terminals. */
int skiff_unlock_terminal(int master);
int skiff_terminal_number(int master);
int skiff_set_terminal_size(int terminal, uint16_t rows, uint16_t columns);
int skiff_make_controlling_terminal(int terminal);

#endif
