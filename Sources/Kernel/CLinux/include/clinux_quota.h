#ifndef SKIFF_CLINUX_QUOTA_H
#define SKIFF_CLINUX_QUOTA_H

#include <stdint.h>

/* Limits on what a directory holds. Each returns 0 (or what its comment says), or the negated errno. */

/* The file system's magic number (statfs(2), `f_type`), as a positive value. */
int64_t skiff_file_system_type(int32_t file);

/* Project quotas, of the file system that the open file is on: quotactl_fd(2), ioctl_xfs_fsgetxattr(2).
   `*accounts` and `*enforces`: whether usage is counted and limits hold. */
int32_t skiff_project_quota_state(int32_t file, int32_t *accounts, int32_t *enforces);
/* The project of an open file or directory, and whether what is made in it belongs to the same. */
int32_t skiff_get_project(int32_t file, uint32_t *project, int32_t *inherits);
int32_t skiff_set_project(int32_t file, uint32_t project, int32_t inherits);
/* Bytes and inodes that a project has, and its limit in bytes (0 for none). */
int32_t skiff_project_usage(int32_t file, uint32_t project, uint64_t *bytes, uint64_t *inodes, uint64_t *limit);
/* Sets the limit in bytes, rounded up to 1024; 0 takes it away. */
int32_t skiff_limit_project(int32_t file, uint32_t project, uint64_t bytes);

/* Btrfs: a new subvolume in a directory; the identifier of the subvolume that a file is in. */
int32_t skiff_make_subvolume(int32_t directory, const char *name);
int32_t skiff_subvolume_id(int32_t file, uint64_t *id);
/* Turns quota groups on and waits until everything that is there is counted. */
int32_t skiff_enable_subvolume_quotas(int32_t file);
/* Limits a subvolume to `bytes`; UINT64_MAX takes the limit away. -ENOTCONN where quota groups are off. */
int32_t skiff_limit_subvolume(int32_t file, uint64_t id, uint64_t bytes);
/* Bytes that a subvolume has and its limit (UINT64_MAX for none), as of the last transaction that is on the disk. */
int32_t skiff_subvolume_usage(int32_t file, uint64_t id, uint64_t *bytes, uint64_t *limit);

#endif
