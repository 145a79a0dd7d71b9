/// The unit that holds a container under systemd's driver: what `slice:prefix:name` means, as OCI runtimes take it in
/// `linux.cgroupsPath`.
struct SystemdUnit: Sendable, Equatable {
    /// Such as `system.slice`.
    let slice: String
    /// Such as `docker-<id>.scope`.
    let name: String
    /// Below the hierarchy's mount, such as `/system.slice/docker-<id>.scope`.
    let path: String

    /// Whether a control group's path is meant for systemd: two colons, and no path of directories.
    static func isMeant(by text: String) -> Bool {
        !text.hasPrefix("/") && text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 2
    }

    /// - Parameter text: `slice:prefix:name`; without a slice it is `system.slice`, without a prefix the scope is
    ///   `name.scope`
    init(_ text: String) throws(CgroupError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !parts[2].isEmpty else {
            throw CgroupError(
                .invalidPath,
                "control group \(text): systemd's driver wants SLICE:PREFIX:NAME, as system.slice:skiff:a")
        }
        slice = parts[0].isEmpty ? "system.slice" : parts[0]
        name = (parts[1].isEmpty ? parts[2] : "\(parts[1])-\(parts[2])") + ".scope"
        guard Self.isUnitName(name) else {
            throw CgroupError(.invalidPath, "control group \(text): \(name) is no valid name of a unit")
        }
        path = try Self.path(ofSlice: slice) + "/" + name
    }

    /// Slices nest by the dashes of their names: `a-b.slice` is in `a.slice` (systemd.slice(5)).
    static func path(ofSlice slice: String) throws(CgroupError) -> String {
        if slice == "-.slice" { return "" }
        let stem = slice.dropLast(".slice".utf8.count)
        guard isUnitName(slice), slice.hasSuffix(".slice"), !stem.isEmpty,
            !stem.split(separator: "-", omittingEmptySubsequences: false).contains("")
        else {
            throw CgroupError(
                .invalidPath,
                "cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\", not \"\(slice)\""
            )
        }
        var path = ""
        var name = ""
        for part in stem.split(separator: "-") {
            name += name.isEmpty ? "\(part)" : "-\(part)"
            path += "/\(name).slice"
        }
        return path
    }

    private static func isUnitName(_ name: String) -> Bool {
        name.utf8.count <= 255
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "_.-\\@".utf8.contains(byte)
            }
    }
}
