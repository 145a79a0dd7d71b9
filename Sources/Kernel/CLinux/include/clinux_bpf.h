#ifndef SKIFF_CLINUX_BPF_H
#define SKIFF_CLINUX_BPF_H

#include <stdint.h>

/* Programs that decide about devices for a version 2 control group (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE). Descriptors are
   close-on-exec; failures are the negated errno. */

/* Loads `count` instructions of eight bytes. */
int skiff_bpf_load_device_program(const uint8_t *instructions, uint32_t count);
/* Beside other programs of the group: all of them have to allow. */
int skiff_bpf_attach_device_program(int cgroup, int program);
int skiff_bpf_detach_device_program(int cgroup, int program);
/* Ids of the programs that are attached to the group itself; *count goes in as room and comes out as their number. */
int skiff_bpf_query_device_programs(int cgroup, uint32_t *ids, uint32_t *count);
int skiff_bpf_open_program(uint32_t id);

#endif
