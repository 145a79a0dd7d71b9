#ifndef SKIFF_CLINUX_SPAWN_H
#define SKIFF_CLINUX_SPAWN_H

#include <stdint.h>

/* Starts a program as a child of its own session, without copying the caller's memory (clone with CLONE_VM and
   CLONE_VFORK), from any thread of a process with many.

   The child has /dev/null as descriptors 0 and 1, `error` (or /dev/null where negative) as 2 and `channel` as 3, nothing
   else; no blocked signals, every signal's default action.
   - executable: a descriptor of the program (O_PATH will do), or negative to execute `path`
   - joins: paths of cgroup files into which the child writes 0 before it executes, ended by NULL; may be NULL
   - pidfd: receives a close-on-exec descriptor of the child
   Returns the child's pid, or the negated errno of what failed, exec included; no child is left then. */
int32_t skiff_spawn(const char *path, int32_t executable, char *const argv[], char *const envp[], int32_t channel,
                    int32_t error, const char *const joins[], int32_t *pidfd);

/* Has posix_spawn close every descriptor from `first` on; for the end of the file actions (`posix_spawn_file_actions_t`,
   whose own function Swift does not see). Returns 0 or a negated errno. */
int32_t skiff_spawn_closes_from(void *actions, int32_t first);

#endif
