import CLinux
import Glibc
import LinuxKernel

extension LayerUnpacker {
    static func isWhiteout(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
    }

    func whiteout() throws {
        if path.baseHasPrefix(".wh..wh.") {
            // Other such names are AUFS's own and mean nothing here.
            guard path.base.elementsEqual(".wh..wh..opq".utf8) else { return }
            forgetIfNeeded()
            let directory = try tree.directory(path.bytes, path.parentCount, create: true)
            let hiddenPath = path.bytes[..<path.parentCount]
            return try orHide(hiddenPath) { () throws(SystemCallError) in
                try setOpaque("/proc/self/fd/\(directory)")
            }
        }
        path.removeBasePrefix(4)
        let name = path.base
        guard !name.isEmpty, !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else {
            throw ImageError(
                .invalidLayer, "invalid layer: whiteout \"\(reader.entry.displayName)\" names no file")
        }
        let parent = try lookup(path, create: true)
        let baseStart = path.baseStart
        try path.bytes.withUnsafeBytes { bytes in
            let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress! + baseStart
            try orHide(path.bytes[..<path.count]) { () throws(SystemCallError) in
                if mknodat(parent, base, S_IFCHR, 0) == 0 { return }
                guard errno == EEXIST else {
                    throw SystemCallError(call: "mknodat", subject: String(cString: base))
                }
                // A whiteout hides what lower layers have, never what its own layer has: that stays, alone.
                if try status(parent, base).st_mode & S_IFMT == S_IFDIR { try setOpaque(parent, base) }
            }
        }
    }

    /// Sets a mark of the overlay's; where the file system takes none, the path is noted down instead.
    private func orHide(
        _ hiddenPath: ArraySlice<UInt8>, _ mark: () throws(SystemCallError) -> Void
    ) throws {
        do throws(SystemCallError) {
            try mark()
        } catch {
            guard [EPERM, EOPNOTSUPP].contains(error.errno) else { throw error }
            // The root has nothing above it that it could hide from.
            if !hiddenPath.isEmpty { try hidden.add(hiddenPath) }
        }
    }

    func setOpaque(_ parent: Int32, _ base: UnsafePointer<CChar>) throws(SystemCallError) {
        let flags = openPathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let directory = Descriptor(owning: try systemCall("openat") { openat(parent, base, flags) })
        try setOpaque(directory.procPath)
    }

    private func setOpaque(_ directory: String) throws(SystemCallError) {
        try rawCall("setxattr", "trusted.overlay.opaque") {
            skiff_set_attribute_at(directory, "trusted.overlay.opaque", "y", 1)
        }
    }
}
