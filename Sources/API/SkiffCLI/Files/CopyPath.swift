import Glibc

/// Paths as `cp` takes them: what is behind the last slash decides what is copied where.
enum CopyPath {
    /// Without `.`, `..` and double slashes.
    static func clean(_ path: String) -> String {
        let isAbsolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if let last = parts.last, last != ".." {
                parts.removeLast()
            } else if !isAbsolute {
                parts.append(part)
            }
        }
        let text = parts.joined(separator: "/")
        return isAbsolute ? "/" + text : text.isEmpty ? "." : text
    }

    /// Whether the content of a directory is meant.
    static func asksForContent(_ path: String) -> Bool { path == "." || path.hasSuffix("/.") }

    /// Whether it has to be a directory.
    static func asksForDirectory(_ path: String) -> Bool { path.hasSuffix("/") || asksForContent(path) }

    /// The directory that it is in, and its name there; `.` where the content of a directory is meant.
    static func split(_ path: String) -> (directory: String, base: String) {
        let clean = clean(path)
        if asksForContent(path) { return (clean, ".") }
        guard let slash = clean.lastIndex(of: "/") else { return (".", clean) }
        let directory = slash == clean.startIndex ? "/" : String(clean[..<slash])
        let base = String(clean[clean.index(after: slash)...])
        return (directory, base.isEmpty ? "/" : base)
    }

    /// A path of this machine from its root, with what is behind its last slash kept.
    static func absolute(_ path: String) -> String {
        var folder = "/"
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            folder = String(cString: current) + "/"
            free(current)
        }
        let whole = clean(folder + path)
        if asksForContent(path) { return whole == "/" ? "/." : whole + "/." }
        return path.hasSuffix("/") && whole != "/" ? whole + "/" : whole
    }
}

/// One side of `cp`.
enum CopyPlace {
    case local(String)
    case container(name: String, path: String)

    init(_ text: String) {
        guard !text.hasPrefix("/"), let colon = text.firstIndex(of: ":"), !text.hasPrefix(".") else {
            self = .local(text)
            return
        }
        self = .container(name: String(text[..<colon]), path: String(text[text.index(after: colon)...]))
    }
}
