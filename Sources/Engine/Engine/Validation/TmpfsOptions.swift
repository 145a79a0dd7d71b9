/// The options of `--tmpfs`.
enum TmpfsOptions {
    private static let flags: Set<String> = [
        "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "mand", "noatime",
        "nodev",
        "nodiratime", "noexec", "nomand", "norelatime", "nostrictatime", "nosuid", "private", "rbind",
        "relatime", "ro", "rprivate", "rshared", "rslave", "runbindable", "rw", "shared", "slave",
        "strictatime", "suid", "sync", "unbindable",
    ]
    private static let settings: Set<String> = [
        "gid", "mode", "mpol", "nr_blocks", "nr_inodes", "size", "uid",
    ]

    /// - Throws: in Docker's words for an option that there is not
    static func check(_ text: String) throws(EngineError) {
        for option in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            if parts.count == 1 ? flags.contains(parts[0]) : settings.contains(parts[0]) { continue }
            let shown = parts.map { "\"\($0)\"" }.joined(separator: " ")
            throw .invalid("invalid tmpfs option [\(shown)]")
        }
    }
}
