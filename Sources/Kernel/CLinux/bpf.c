#define _GNU_SOURCE
#include "clinux_bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int call(int command, union bpf_attr *attributes) {
    long result = syscall(SYS_bpf, command, attributes, sizeof *attributes);
    return result == -1 ? -errno : (int)result;
}

int skiff_bpf_load_device_program(const uint8_t *instructions, uint32_t count) {
    static const char license[] = "Apache-2.0";
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = count;
    attributes.license = (uint64_t)(uintptr_t)license;
    return call(BPF_PROG_LOAD, &attributes);
}

static int change(int command, int cgroup, int program) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = command == BPF_PROG_ATTACH ? BPF_F_ALLOW_MULTI : 0;
    return call(command, &attributes);
}

int skiff_bpf_attach_device_program(int cgroup, int program) { return change(BPF_PROG_ATTACH, cgroup, program); }

int skiff_bpf_detach_device_program(int cgroup, int program) { return change(BPF_PROG_DETACH, cgroup, program); }

int skiff_bpf_query_device_programs(int cgroup, uint32_t *ids, uint32_t *count) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = (uint32_t)cgroup;
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = (uint64_t)(uintptr_t)ids;
    attributes.query.prog_cnt = *count;
    int result = call(BPF_PROG_QUERY, &attributes);
    *count = result < 0 ? 0 : attributes.query.prog_cnt;
    return result;
}

int skiff_bpf_open_program(uint32_t id) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = id;
    return call(BPF_PROG_GET_FD_BY_ID, &attributes);
}
