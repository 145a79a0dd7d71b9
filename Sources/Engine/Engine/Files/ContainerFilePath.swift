import Glibc

/// A path in a container as `cp` gives it: cleaned, and taken apart where its last element may be a link that is not
/// to be followed. A slash or `/.` at the end asks for the directory itself.
struct ContainerPath: Sendable {
    /// Absolute, without `.`, `..` and double slashes; `/` for the root.
    let clean: String
    /// Whether the text ended in `/` or `/.`: then the last element is followed, and has to be a directory.
    let asksForDirectory: Bool
    /// What the archive's first entry is called.
    let archiveName: String

    init(_ text: String) {
        var parts: [Substring] = []
        for part in text.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        clean = "/" + parts.joined(separator: "/")
        let asksForContent = text == "." || text.hasSuffix("/.")
        asksForDirectory = asksForContent || text.hasSuffix("/") || parts.isEmpty
        archiveName = asksForContent ? "." : parts.last.map(String.init) ?? "/"
    }

    /// The directory that the last element is in.
    var parent: String {
        let slash = clean.lastIndex(of: "/") ?? clean.startIndex
        return slash == clean.startIndex ? "/" : String(clean[..<slash])
    }

    /// The last element; empty for the root.
    var base: String { String(clean[clean.index(after: clean.lastIndex(of: "/") ?? clean.startIndex)...]) }
}

/// What `X-Docker-Container-Path-Stat` tells of a file.
package struct ContainerPathStatus: Sendable, Hashable {
    package let name: String
    package let size: Int64
    /// As Go's `fs.FileMode` numbers them.
    package let mode: UInt32
    package let modifiedSeconds: Int64
    package let modifiedNanoseconds: Int
    /// Where a link leads in the container; empty where the file is none.
    package let linkTarget: String

    init(_ status: stat, name: String, linkTarget: String) {
        self.name = name
        size = Int64(status.st_size)
        mode = Self.mode(status.st_mode)
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = status.st_mtim.tv_nsec
        self.linkTarget = linkTarget
    }

    private static func mode(_ mode: mode_t) -> UInt32 {
        var bits = mode & 0o777
        switch mode & S_IFMT {
        case S_IFDIR: bits |= 1 << 31
        case S_IFLNK: bits |= 1 << 27
        case S_IFBLK: bits |= 1 << 26
        case S_IFIFO: bits |= 1 << 25
        case S_IFSOCK: bits |= 1 << 24
        case S_IFCHR: bits |= 1 << 26 | 1 << 21
        default: break
        }
        if mode & 0o4000 != 0 { bits |= 1 << 23 }
        if mode & 0o2000 != 0 { bits |= 1 << 22 }
        if mode & 0o1000 != 0 { bits |= 1 << 20 }
        return bits
    }
}
