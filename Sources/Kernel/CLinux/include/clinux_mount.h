#ifndef SKIFF_CLINUX_MOUNT_H
#define SKIFF_CLINUX_MOUNT_H

#include <stdint.h>

/* The mount API of Linux 5.2 and later. All return a descriptor or 0, or the negated errno; all descriptors are
   close-on-exec. See fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2). */

int skiff_fsopen(const char *type);
int skiff_fsconfig_string(int context, const char *key, const char *value);
int skiff_fsconfig_flag(int context, const char *key);
int skiff_fsconfig_create(int context);
int skiff_fsmount(int context, uint64_t attributes);

int skiff_open_tree(int directory, const char *path, uint32_t flags);
/* Moves the mount `from` (a detached tree's descriptor) onto what `to` refers to (directory or file, O_PATH). */
int skiff_move_mount(int from, int to);
int skiff_move_mount_path(int from, const char *to);
/* `path` may be empty with AT_EMPTY_PATH in `flags`. */
int skiff_mount_setattr(
    int directory, const char *path, uint32_t flags, uint64_t set, uint64_t clear, uint64_t propagation,
    int user_namespace);

int skiff_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data);
int skiff_umount(const char *target, int flags);
int skiff_pivot_root(const char *new_root, const char *put_old);

/* openat2(2) with close-on-exec. */
int skiff_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
/* The last error text that a filesystem context holds: its length, or the negated errno. */
long skiff_fscontext_message(int context, char *buffer, unsigned long size);

#endif
