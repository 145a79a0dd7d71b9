import CLinux

/// File systems that have no files of their own: what they show is made by the kernel as it is read, and may block or
/// have no end (linux/magic.h).
package enum PseudoFileSystem {
    private static let types: Set<Int64> = [
        0x9FA0,  // proc
        0x6265_6572,  // sysfs
        0x0027_E0EB, 0x6367_7270,  // cgroup, cgroup2
        0x1980_0202,  // mqueue
        0x1CD1,  // devpts
        0x6462_6720, 0x7472_6163,  // debugfs, tracefs
        0x7363_6673,  // securityfs
        0xCAFE_4A11,  // bpf
        0x4249_4E4D,  // binfmt_misc
        0x6165_676C,  // pstore
        0xDE5E_81E4,  // efivarfs
        0x6265_6570,  // configfs
        0x6E73_6673, 0x5049_4446,  // namespaces, processes
        0x0BAD_1DEA, 0x6573_5543,  // futexfs, fusectl
    ]

    /// Whether the open file lies on one.
    package static func has(_ file: Int32) -> Bool { types.contains(skiff_file_system_type(file)) }
}
