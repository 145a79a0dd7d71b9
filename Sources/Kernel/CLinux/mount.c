#define _GNU_SOURCE
#include "clinux_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int result(long value) { return value == -1 ? -errno : (int)value; }

int skiff_fsopen(const char *type) { return result(syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */)); }

int skiff_fsconfig_string(int context, const char *key, const char *value) {
    return result(syscall(SYS_fsconfig, context, 1 /* FSCONFIG_SET_STRING */, key, value, 0));
}

int skiff_fsconfig_flag(int context, const char *key) {
    return result(syscall(SYS_fsconfig, context, 0 /* FSCONFIG_SET_FLAG */, key, NULL, 0));
}

int skiff_fsconfig_create(int context) {
    return result(syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0));
}

int skiff_fsmount(int context, uint64_t attributes) {
    return result(syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, (unsigned)attributes));
}

int skiff_open_tree(int directory, const char *path, uint32_t flags) {
    return result(syscall(SYS_open_tree, directory, path, flags | O_CLOEXEC));
}

int skiff_move_mount(int from, int to) {
    return result(syscall(SYS_move_mount, from, "", to, "", 0x04 /* F_EMPTY_PATH */ | 0x40 /* T_EMPTY_PATH */));
}

int skiff_move_mount_path(int from, const char *to) {
    return result(syscall(SYS_move_mount, from, "", AT_FDCWD, to, 0x04));
}

struct skiff_mount_attr { uint64_t set, clear, propagation, user_namespace; };

int skiff_mount_setattr(
    int directory, const char *path, uint32_t flags, uint64_t set, uint64_t clear, uint64_t propagation,
    int user_namespace) {
    struct skiff_mount_attr attributes = {
        set, clear, propagation, user_namespace < 0 ? 0 : (uint64_t)user_namespace};
    return result(syscall(442 /* mount_setattr */, directory, path, flags, &attributes, sizeof attributes));
}

int skiff_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return result(syscall(SYS_mount, source, target, type, flags, data));
}

int skiff_umount(const char *target, int flags) { return result(syscall(SYS_umount2, target, flags)); }

int skiff_pivot_root(const char *new_root, const char *put_old) {
    return result(syscall(SYS_pivot_root, new_root, put_old));
}

int skiff_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return result(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

long skiff_fscontext_message(int context, char *buffer, unsigned long size) {
    return result(read(context, buffer, size));
}
