import CLinux
package import Glibc
package import LinuxKernel

/// Owner, mode and times of an open file.
package enum FileAttributes {
    /// The owner first: changing it clears the set-user-id bits.
    package static func apply(_ status: stat, to file: Int32, timesToo: Bool = true) throws(SystemCallError) {
        try systemCall("fchown") { fchown(file, status.st_uid, status.st_gid) }
        try systemCall("fchmod") { fchmod(file, status.st_mode & 0o7777) }
        if timesToo { try applyTimes(status, to: file) }
    }

    package static func applyTimes(_ status: stat, to file: Int32) throws(SystemCallError) {
        let times = [status.st_atim, status.st_mtim]
        try systemCall("futimens") { futimens(file, times) }
    }
}

/// Extended attributes of open files (xattr(7)).
enum ExtendedAttributes {
    /// Copies all but the overlay file system's own. Where the target's file system has none, nothing is copied.
    static func copy(from source: Int32, to target: Int32) throws(SystemCallError) {
        let own = Array("trusted.overlay.".utf8CString.dropLast())
        for name in try names(of: source) where !name.starts(with: own) {
            var value = [UInt8](repeating: 0, count: 64 << 10)
            let size = skiff_fgetxattr(source, name, &value, UInt64(value.count))
            if size == -Int64(ENODATA) { continue }
            try rawCall("fgetxattr") { size }
            let result = skiff_fsetxattr(target, name, value, UInt64(size))
            if result == -EOPNOTSUPP { return }
            try rawCall("fsetxattr") { result }
        }
    }

    private static func names(of file: Int32) throws(SystemCallError) -> [[CChar]] {
        var list = [CChar](repeating: 0, count: 64 << 10)
        let size = skiff_flistxattr(file, &list, UInt64(list.count))
        if size == -Int64(EOPNOTSUPP) { return [] }
        try rawCall("flistxattr") { size }
        return list[..<Int(size)].split(separator: 0).map { Array($0) + [0] }
    }
}

/// The bytes of open files.
enum FileContent {
    /// Shares the blocks where the file system can (ioctl_ficlone(2), copy_file_range(2)); holes of the source stay
    /// holes.
    static func copy(
        from source: Int32, to target: Int32, observer: (any CopyObserver)? = nil
    ) throws(SystemCallError) {
        var status = stat()
        try systemCall("fstat") { fstat(source, &status) }
        let size = Int64(status.st_size)
        if size > 0, skiff_clone_file(target, source) == 0 {
            try observer?.add(size, isShared: true)
            return
        }
        try systemCall("ftruncate") { ftruncate(target, status.st_size) }
        var position: Int64 = 0
        while position < size {
            let data = skiff_seek_data(source, position)
            if data == -Int64(ENXIO) { return }  // only a hole is left
            try rawCall("lseek") { data }
            let hole = try rawCall("lseek") { skiff_seek_hole(source, data) }
            try copyRange(from: source, to: target, data..<min(hole, size), observer)
            position = hole
        }
    }

    /// What one call copies at most where somebody wants to be told.
    private static let step = 64 << 20

    private static func copyRange(
        from source: Int32, to target: Int32, _ range: Range<Int64>, _ observer: (any CopyObserver)?
    ) throws(SystemCallError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let left = Int(range.upperBound - offset)
            let length = observer == nil ? left : min(left, step)
            let copied = skiff_copy_file_range(source, offset, target, offset, UInt64(length))
            if copied > 0 {
                offset += copied
                try observer?.add(copied, isShared: false)
            } else if copied == 0 {
                return  // the source became shorter
            } else {
                guard [-Int64(EXDEV), -Int64(EINVAL), -Int64(EOPNOTSUPP), -Int64(ENOSYS)].contains(copied)
                else {
                    throw SystemCallError(call: "copy_file_range", errno: Int32(-copied))
                }
                return try copyBytes(from: source, to: target, offset..<range.upperBound, observer)
            }
        }
    }

    private static func copyBytes(
        from source: Int32, to target: Int32, _ range: Range<Int64>, _ observer: (any CopyObserver)?
    ) throws(SystemCallError) {
        var buffer = [UInt8](repeating: 0, count: 128 << 10)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = min(buffer.count, Int(range.upperBound - offset))
            let count = try systemCall("pread") { pread(source, &buffer, wanted, off_t(offset)) }
            if count == 0 { return }
            var written = 0
            while written < count {
                written += try systemCall("pwrite") {
                    buffer.withUnsafeBytes {
                        pwrite(
                            target, $0.baseAddress! + written, count - written, off_t(offset) + off_t(written)
                        )
                    }
                }
            }
            offset += Int64(count)
            try observer?.add(Int64(count), isShared: false)
        }
    }
}
