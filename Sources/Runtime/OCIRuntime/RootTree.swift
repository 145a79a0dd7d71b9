import Glibc
import LinuxKernel

/// The container's future root, in which mount points are found and made. Nothing here leaves it: every lookup
/// resolves links and `..` as if this were `/` (openat2(2), RESOLVE_IN_ROOT).
struct RootTree: ~Copyable {
    let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// What `path` is now.
    func open(_ path: String, _ flags: Int32 = O_PATH) throws(SystemCallError) -> Descriptor {
        try openBelow(descriptor.rawValue, path, flags)
    }

    /// A directory for a filesystem that must not be reached through links (`/proc`, `/sys`): an image could make
    /// it a link to a place of its own choice.
    func ordinaryDirectory(_ path: String) throws(RuntimeError) -> Descriptor {
        do throws(SystemCallError) {
            do throws(SystemCallError) {
                return try withoutLinks(path)
            } catch  where error.errno == ENOENT {
                _ = try makeDirectory(path, links: 0)
                return try withoutLinks(path)
            }
        } catch  where error.errno == ELOOP {
            throw RuntimeError(
                .setupFailed,
                "\(path) must be an ordinary directory in the image, and is or lies behind a symbolic link")
        } catch {
            throw RuntimeError(.setupFailed, "mount point \(path): \(error)", errno: error.errno)
        }
    }

    private func withoutLinks(_ path: String) throws(SystemCallError) -> Descriptor {
        try openBelow(descriptor.rawValue, path, O_PATH | O_DIRECTORY, [.inRoot, .noSymlinks])
    }

    /// The directory at `path`, made with those above it where it is missing; a dangling link's target is made.
    func directory(_ path: String) throws(RuntimeError) -> Descriptor {
        try step("mount point \(path)") { () throws(SystemCallError) in
            try self.makeDirectory(path, links: 40)
        }
    }

    /// What `path` is; an empty file where it is missing.
    func file(_ path: String) throws(RuntimeError) -> Descriptor {
        try step("mount point \(path)") { () throws(SystemCallError) in
            try self.makeFile(path, links: 40)
        }
    }

    private func makeDirectory(_ path: String, links: Int) throws(SystemCallError) -> Descriptor {
        do throws(SystemCallError) {
            return try openBelow(descriptor.rawValue, path, O_PATH | O_DIRECTORY)
        } catch  where error.errno == ENOENT {
            let (parentPath, name) = Self.split(path)
            guard !name.isEmpty else { throw error }
            let parent = try makeDirectory(parentPath, links: links)
            if name == ".." || name == "." {
                return try openBelow(descriptor.rawValue, path, O_PATH | O_DIRECTORY)
            }
            if mkdirat(parent.rawValue, name, 0o755) == 0 {
                return try openFile(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, at: parent.rawValue)
            }
            let failure = SystemCallError(call: "mkdirat", subject: path)
            // What is there and was not found is a link that leads nowhere yet.
            guard failure.errno == EEXIST, links > 0, let target = Self.link(name, at: parent.rawValue) else {
                throw failure
            }
            return try makeDirectory(
                target.hasPrefix("/") ? target : "\(parentPath)/\(target)", links: links - 1)
        }
    }

    private func makeFile(_ path: String, links: Int) throws(SystemCallError) -> Descriptor {
        do throws(SystemCallError) {
            return try openBelow(descriptor.rawValue, path, O_PATH)
        } catch  where error.errno == ENOENT && links > 0 {
            let (parentPath, name) = Self.split(path)
            guard !name.isEmpty, name != "..", name != "." else { throw error }
            let parent = try makeDirectory(parentPath, links: links)
            if let target = Self.link(name, at: parent.rawValue) {
                return try makeFile(
                    target.hasPrefix("/") ? target : "\(parentPath)/\(target)", links: links - 1)
            }
            let raw = parent.rawValue
            _ = Descriptor(
                owning: try systemCall("openat", path) {
                    openat(raw, name, O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o644)
                })
            return try openBelow(descriptor.rawValue, path, O_PATH)
        }
    }

    private static func link(_ name: String, at directory: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = buffer.withUnsafeMutableBytes {
            readlinkat(directory, name, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : nil
    }

    /// `/a/b/` → (`/a`, `b`).
    static func split(_ path: String) -> (parent: String, name: String) {
        let parts = path.split(separator: "/")
        guard let last = parts.last else { return ("/", "") }
        return ("/" + parts.dropLast().joined(separator: "/"), String(last))
    }
}
