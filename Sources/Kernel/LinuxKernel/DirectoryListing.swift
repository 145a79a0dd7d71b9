import Glibc

/// The names in an open directory, without `.` and `..`, each with its closing NUL: names are bytes and need not be
/// UTF-8. The descriptor's position does not change.
package func directoryNames(of directory: Int32) throws(SystemCallError) -> [[CChar]] {
    let copy = try openFile(".", O_RDONLY | O_DIRECTORY, at: directory).take()
    guard let stream = fdopendir(copy) else {
        let error = SystemCallError(call: "fdopendir")
        close(copy)
        throw error
    }
    defer { closedir(stream) }
    var names: [[CChar]] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { start in
                Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
            }
        }
        if name != [0x2E, 0] && name != [0x2E, 0x2E, 0] { names.append(name) }
    }
    return names
}

/// A name of `directoryNames` for people to read.
package func displayName(_ name: [CChar]) -> String {
    String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}
