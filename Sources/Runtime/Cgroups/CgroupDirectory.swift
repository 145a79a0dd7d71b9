import Glibc
import LinuxKernel

/// A directory of a control group filesystem: its control files, read and written whole.
struct CgroupDirectory: Sendable {
    let path: String

    func has(_ file: String) -> Bool { fileExists("\(path)/\(file)") }

    /// One write; the kernel takes a value as a whole.
    func write(_ file: String, _ value: String) throws(CgroupError) {
        do throws(SystemCallError) {
            try writeControlFile("\(path)/\(file)", value)
        } catch {
            throw failure(error, "cannot set \(file) to \(value)")
        }
    }

    /// Several values into one file, a write for each.
    func write(_ file: String, each values: [String]) throws(CgroupError) {
        do throws(SystemCallError) {
            let descriptor = try openFile("\(path)/\(file)", O_WRONLY)
            let raw = descriptor.rawValue
            for value in values {
                let bytes = Array(value.utf8)
                try systemCall("write", "\(path)/\(file) (\(value))") { Glibc.write(raw, bytes, bytes.count) }
            }
        } catch {
            throw failure(error, "cannot set \(file)")
        }
    }

    func failure(_ error: SystemCallError, _ what: String) -> CgroupError {
        switch error.errno {
        case ENOENT where !fileExists(path), ENODEV where !fileExists(path):
            CgroupError(.notFound, "control group \(path) does not exist (any more): \(what)")
        case ENOENT:
            CgroupError(
                .unsupported, "\(what): this kernel or this control group does not have it", cause: error)
        case EINVAL, ERANGE: CgroupError(.invalidValue, what, cause: error)
        case EBUSY: CgroupError(.busy, what, cause: error)
        default: CgroupError(.failed, what, cause: error)
        }
    }

    /// The file's text without the white space at its end.
    func read(_ file: String) throws(CgroupError) -> String {
        do throws(SystemCallError) {
            var bytes = try readFile("\(path)/\(file)")
            while let last = bytes.last, last == 10 || last == 32 { bytes.removeLast() }
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw failure(error, "cannot read \(file)")
        }
    }

    /// The number in a file; nil for `max` and for a file that this kernel does not have.
    func number(_ file: String) -> UInt64? { (try? read(file)).flatMap { UInt64($0) } }

    /// A file of `name value` lines; empty where this kernel does not have it.
    func table(_ file: String) -> [String: UInt64] {
        guard let text = try? read(file) else { return [:] }
        return Self.table(text)
    }

    static func table(_ text: String) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = UInt64(parts[1]) { result[String(parts[0])] = value }
        }
        return result
    }

    func pids(_ file: String) throws(CgroupError) -> [Int32] {
        try read(file).split(separator: "\n").compactMap { Int32($0) }
    }

    /// Directories directly below.
    func children() -> [CgroupDirectory] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var result: [CgroupDirectory] = []
        while let entry = readdir(stream) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(CgroupDirectory(path: "\(path)/\(name)")) }
        }
        return result
    }

    /// Removes this directory and those below it, deepest first. The kernel refuses while a process, even a zombie on
    /// its way out, is inside: tried again for a fifth of a second.
    func remove() throws(CgroupError) {
        if rmdir(path) == 0 || errno == ENOENT { return }
        for child in children() { try child.remove() }
        var pause: UInt32 = 100
        while true {
            if rmdir(path) == 0 { return }
            let error = SystemCallError(call: "rmdir", subject: path)
            if error.errno == ENOENT { return }
            guard error.errno == EBUSY, pause < 100_000 else {
                throw CgroupError(
                    error.errno == EBUSY ? .busy : .failed,
                    "cannot remove control group \(path)\(error.errno == EBUSY ? ": processes are left in it" : "")",
                    cause: error)
            }
            usleep(pause)
            pause *= 2
        }
    }
}
