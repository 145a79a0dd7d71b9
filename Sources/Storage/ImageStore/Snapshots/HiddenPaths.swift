import CLinux
import Glibc
import LinuxKernel

/// What a layer deletes of those below it, where its file system cannot hold the overlay's own marks (a device 0:0, an
/// attribute `trusted.overlay.opaque`): the file `hidden` in the layer's folder, paths each ended by NUL. A directory
/// that the layer has itself under such a path is its alone.
struct HiddenPaths: Sendable, Equatable {
    static let fileName = "hidden"

    private(set) var paths: [[UInt8]] = []
    /// Bytes of them.
    private var size = 0

    private static let sizeLimit = 64 << 20

    /// - Parameter path: below the layer's root, without NUL
    mutating func add(_ path: some Collection<UInt8>) throws {
        size += path.count + 1
        guard size <= Self.sizeLimit else {
            throw ImageError(
                .invalidLayer,
                "invalid layer: the names that it deletes take more than \(Self.sizeLimit >> 20) MiB")
        }
        paths.append(Array(path))
    }

    func write(in folder: String) throws(SystemCallError) {
        guard !paths.isEmpty else { return }
        try replaceFile("\(folder)/\(Self.fileName)", paths.joined(separator: [0]) + [0], mode: 0o600)
    }

    /// - Parameter folder: of the layer; empty where it has no such file
    init(in folder: String) throws(SystemCallError) {
        do throws(SystemCallError) {
            let bytes = try readFile("\(folder)/\(Self.fileName)", limit: Self.sizeLimit)
            paths = bytes.split(separator: 0).map { Array($0) }
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
    }

    init() {}

    /// Takes the paths out of a tree that lower layers were copied to. Symbolic links of theirs are not followed: what a
    /// path goes through one for is not below it.
    func apply(to root: Int32, displaced: DisplacedFiles) throws(SystemCallError) {
        for path in paths {
            let slash = path.lastIndex(of: UInt8(ascii: "/"))
            let base = path[(slash.map { $0 + 1 } ?? 0)...].map { CChar(bitPattern: $0) } + [0]
            guard let slash else {
                try displaced.displace(base, from: root)
                continue
            }
            let parent = path[..<slash].map { CChar(bitPattern: $0) } + [0]
            let opened = skiff_open_beneath(root, parent, openPathOnly | O_DIRECTORY)
            if [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG].contains(-opened) { continue }
            let directory = Descriptor(owning: try rawCall("openat2", displayName(parent)) { opened })
            try displaced.displace(base, from: directory.rawValue)
        }
    }
}
