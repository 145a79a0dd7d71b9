import CLinux

/// Puts a program that decides about devices (BPF_PROG_TYPE_CGROUP_DEVICE) in the place of those that a version 2 control
/// group has: the new one is attached before the old ones go, so that at no moment nothing decides.
/// - Parameters:
///   - instructions: eight bytes each
///   - group: an open directory
package func replaceDeviceProgram(_ instructions: [UInt8], on group: Int32) throws(SystemCallError) {
    let program = Descriptor(
        owning: try rawCall("bpf", "device program") {
            skiff_bpf_load_device_program(instructions, UInt32(instructions.count / 8))
        })
    var ids = [UInt32](repeating: 0, count: 64)
    var count: UInt32 = 64
    try rawCall("bpf", "BPF_PROG_QUERY") { skiff_bpf_query_device_programs(group, &ids, &count) }
    let raw = program.rawValue
    try rawCall("bpf", "BPF_PROG_ATTACH") { skiff_bpf_attach_device_program(group, raw) }
    for id in ids.prefix(Int(count)) {
        let old = Descriptor(owning: try rawCall("bpf", "program \(id)") { skiff_bpf_open_program(id) })
        let oldRaw = old.rawValue
        try rawCall("bpf", "BPF_PROG_DETACH") { skiff_bpf_detach_device_program(group, oldRaw) }
    }
}
