import OCIModel

/// Classes and priorities of packets (net_cls, net_prio), which only version 1 has.
enum NetworkClassController {
    static func apply(classID: UInt32, _ directory: CgroupDirectory) throws(CgroupError) {
        try directory.write("net_cls.classid", String(classID))
    }

    /// One line for each interface; the kernel keeps those of others.
    static func apply(
        _ priorities: [RuntimeInterfacePriority], _ directory: CgroupDirectory
    ) throws(CgroupError) {
        for one in priorities {
            guard !one.name.isEmpty, !one.name.utf8.contains(where: { $0 <= 0x20 }) else {
                throw CgroupError(
                    .invalidValue, "resources.network: \(one.name) cannot be an interface's name")
            }
            try directory.write("net_prio.ifpriomap", "\(one.name) \(one.priority)")
        }
    }
}
