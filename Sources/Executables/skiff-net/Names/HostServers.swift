import DNS
import Glibc
import LinuxKernel

/// The name servers of the host, as its resolver file names them at this moment.
final class HostServers {
    private struct Version: Equatable {
        var device: UInt
        var inode: UInt
        var size: Int
        var changed: (Int, Int)

        static func == (a: Version, b: Version) -> Bool {
            a.device == b.device && a.inode == b.inode && a.size == b.size && a.changed == b.changed
        }
    }

    private static let port: UInt16 = 53
    private let path: String
    private var version: Version?
    private var known: [SocketAddress] = []

    init(_ path: String) { self.path = path }

    /// In the order of the file, which is read again when it changed. Looking costs a microsecond. While the file is
    /// missing or names none, what the C library does then: those known before, or the host's own port 53.
    var current: [SocketAddress] {
        var status = stat()
        if stat(path, &status) == 0 {
            let found = Version(
                device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
                changed: (status.st_ctim.tv_sec, status.st_ctim.tv_nsec))
            if found != version {
                version = found
                read()
            }
        }
        return known.isEmpty ? SocketAddress("127.0.0.1", port: Self.port).map { [$0] } ?? [] : known
    }

    private func read() {
        guard let bytes = try? readFile(path, limit: 1 << 20) else {
            // Without a permission or gone again: asked for anew next time.
            version = nil
            return
        }
        let file = ResolverFile(String(decoding: bytes, as: UTF8.self))
        known = file.nameServers.compactMap { SocketAddress($0, port: Self.port) }
    }
}
