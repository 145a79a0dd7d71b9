import CLinux
import Glibc
import LinuxKernel

/// Reads the extended attributes of open files that an archive carries (xattr(7)). Its memory is used again and again.
final class AttributeReader {
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 8)
    /// What the kernel allows a list and a value to be.
    private static let limit = 64 << 10

    deinit { memory.deallocate() }

    /// Those that belong to the file rather than to this machine or to an overlay.
    private static func isKept(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        if name.starts(with: "security.".utf8) { return name.elementsEqual("security.capability".utf8) }
        return !name.starts(with: "trusted.overlay.".utf8) && !name.starts(with: "user.overlay.".utf8)
    }

    func read(_ file: Int32, into attributes: inout [TarEntry.ExtendedAttribute]) throws(SystemCallError) {
        let list = memory.baseAddress!.assumingMemoryBound(to: CChar.self)
        let size = skiff_flistxattr(file, list, UInt64(Self.limit))
        if size == 0 || size == -Int64(EOPNOTSUPP) { return }
        try rawCall("flistxattr") { size }
        let value = memory.baseAddress! + Self.limit
        var offset = 0
        while offset < Int(size) {
            let name = list + offset
            let length = strlen(name)
            offset += length + 1
            let bytes = UnsafeRawBufferPointer(start: name, count: length).assumingMemoryBound(to: UInt8.self)
            guard Self.isKept(bytes) else { continue }
            let count = skiff_fgetxattr(file, name, value, UInt64(Self.limit))
            // Taken away meanwhile, or computed by a file system that has no value for it.
            if count == -Int64(ENODATA) || count == -Int64(EOPNOTSUPP) { continue }
            try rawCall("fgetxattr") { count }
            attributes.append(
                TarEntry.ExtendedAttribute(
                    name: Array(bytes), value: Array(UnsafeRawBufferPointer(start: value, count: Int(count))))
            )
        }
    }
}
