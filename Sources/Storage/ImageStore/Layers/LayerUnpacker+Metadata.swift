import CLinux
import Glibc
import LinuxKernel

extension LayerUnpacker {
    func status(_ parent: Int32, _ base: UnsafePointer<CChar>) throws(SystemCallError) -> stat {
        var status = stat()
        try systemCall("fstatat", String(cString: base)) {
            fstatat(parent, base, &status, AT_SYMLINK_NOFOLLOW)
        }
        return status
    }

    /// Access and modification time alike: archives rarely have the first.
    func withTimes(
        _ seconds: Int64, _ nanoseconds: Int,
        _ body: (UnsafePointer<timespec>) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        let time = timespec(tv_sec: Int(seconds), tv_nsec: nanoseconds)
        var times = (time, time)
        try withUnsafePointer(to: &times) { pointer throws(SystemCallError) in
            try body(UnsafeRawPointer(pointer).assumingMemoryBound(to: timespec.self))
        }
    }

    /// Owner, times and attributes of something that is not opened.
    func setMetadata(_ parent: Int32, _ base: UnsafePointer<CChar>) throws(SystemCallError) {
        if mustSetOwner {
            let (uid, gid) = (reader.entry.uid, reader.entry.gid)
            try systemCall("fchownat") { fchownat(parent, base, uid, gid, AT_SYMLINK_NOFOLLOW) }
        }
        if !reader.entry.extendedAttributes.isEmpty { try setAttributes(parent, base) }
        try withTimes(reader.entry.modifiedSeconds, reader.entry.modifiedNanoseconds) {
            times throws(SystemCallError) in
            try systemCall("utimensat") { utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) }
        }
    }

    private func setAttributes(_ parent: Int32, _ base: UnsafePointer<CChar>) throws(SystemCallError) {
        let opened = try systemCall("openat") { openat(parent, base, openPathOnly | O_NOFOLLOW | O_CLOEXEC) }
        let path = Descriptor(owning: opened).procPath
        for attribute in reader.entry.extendedAttributes {
            try set(attribute) { skiff_set_attribute_at(path, $0, $1, $2) }
        }
    }

    // MARK: - Attributes

    /// The overlay's own attributes are this program's to set: in a layer they would redirect its lookups.
    private static func isOverlayAttribute(_ name: [UInt8]) -> Bool {
        name.starts(with: "trusted.overlay.".utf8) || name.starts(with: "user.overlay.".utf8)
    }

    func set(_ attribute: TarEntry.ExtendedAttribute, on descriptor: Int32) throws(SystemCallError) {
        try set(attribute) { skiff_set_attribute(descriptor, $0, $1, $2) }
    }

    private func set(
        _ attribute: TarEntry.ExtendedAttribute,
        _ call: (UnsafePointer<CChar>, UnsafeRawPointer?, UInt64) -> Int32
    ) throws(SystemCallError) {
        if Self.isOverlayAttribute(attribute.name) { return }
        let name = attribute.name + [0]
        let result = name.withUnsafeBytes { name in
            attribute.value.withUnsafeBytes {
                call(name.assumingMemoryBound(to: CChar.self).baseAddress!, $0.baseAddress, UInt64($0.count))
            }
        }
        if result == -ENOTSUP {
            droppedAttributes += 1
        } else if result < 0 {
            let subject = String(decoding: attribute.name, as: UTF8.self)
            throw SystemCallError(call: "setxattr", errno: -result, subject: subject)
        }
    }

    // MARK: - Directories, last

    func applyDirectoryMetadata() throws(SystemCallError) {
        forgetIfNeeded()
        for item in directories {
            let opened: Int32
            do throws(SystemCallError) {
                opened = try openWithoutFollowing(item.path)
            } catch  where error.errno == ENOENT || error.errno == ENOTDIR || error.errno == ELOOP {
                continue  // replaced by something else later in the layer
            }
            let directory = Descriptor(owning: opened)
            for attribute in item.attributes { try set(attribute, on: directory.rawValue) }
            try withTimes(item.seconds, item.nanoseconds) { times throws(SystemCallError) in
                try systemCall("futimens") { futimens(opened, times) }
            }
        }
    }

    /// The directory itself, where the last component is one.
    private func openWithoutFollowing(_ path: [UInt8]) throws(SystemCallError) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let root = tree.root.rawValue
        if path.count == 1 { return try systemCall("openat") { openat(root, ".", flags) } }
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        let parent = try tree.directory(path, slash ?? 0, create: false)
        return try systemCall("openat") {
            path.withUnsafeBytes {
                openat(
                    parent, $0.assumingMemoryBound(to: CChar.self).baseAddress! + (slash.map { $0 + 1 } ?? 0),
                    flags)
            }
        }
    }
}
