/// The normalized form of a member's name, relative to the root and ready for system calls.
///
/// `.` and empty components are dropped and `..` is applied to the text, as Go's `filepath.Clean` does. A relative
/// name that leads above its start is refused.
struct LayerPath {
    /// Components that precede those of every name; not the name's to leave.
    private let origin: [UInt8]
    /// What the names come from, for messages.
    let container: StaticString
    /// Components joined by '/', followed by a null byte. Only the null byte for the root itself.
    private(set) var bytes: [UInt8] = [0]
    /// Where the last component begins.
    private(set) var baseStart = 0

    /// - Parameter below: a normalized path without slashes at its ends
    init(below origin: [UInt8] = [], in container: StaticString = "layer") {
        self.origin = origin
        self.container = container
    }

    var count: Int { bytes.count - 1 }
    /// Whether it is the directory itself that the names are below.
    var isRoot: Bool { count == origin.count }
    /// Bytes of the parent's path; 0 for a member of the root.
    var parentCount: Int { max(0, baseStart - 1) }

    /// - Throws: `ImageError` (`invalidLayer`)
    mutating func assign(_ name: [UInt8], of what: StaticString = "entry") throws {
        guard name.count <= TarLimits.path else {
            throw invalid(what, name, "the path is longer than \(TarLimits.path) bytes")
        }
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: origin)
        baseStart = 0
        var index = 0
        let isAbsolute = name.first == UInt8(ascii: "/")
        while index < name.count {
            var end = index
            while end < name.count, name[end] != UInt8(ascii: "/") { end += 1 }
            let length = end - index
            if length == 2, name[index] == UInt8(ascii: "."), name[index + 1] == UInt8(ascii: ".") {
                try removeLast(isAbsolute: isAbsolute, name, what)
            } else if length > 0, !(length == 1 && name[index] == UInt8(ascii: ".")) {
                if length > 255 { throw invalid(what, name, "a component is longer than 255 bytes") }
                if !bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
                baseStart = bytes.count
                bytes.append(contentsOf: name[index..<end])
            }
            index = end + 1
        }
        bytes.append(0)
    }

    private mutating func removeLast(isAbsolute: Bool, _ name: [UInt8], _ what: StaticString) throws {
        guard bytes.count > origin.count else {
            if isAbsolute { return }
            throw invalid(what, name, "leads out of the \(container)'s root")
        }
        bytes.removeLast(bytes.count - parentCount(of: baseStart))
        baseStart = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    }

    private func parentCount(of start: Int) -> Int { max(0, start - 1) }

    /// Whether the last component begins with `prefix`.
    func baseHasPrefix(_ prefix: StaticString) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard count - baseStart >= length else { return false }
        for index in 0..<length where bytes[baseStart + index] != prefix.utf8Start[index] { return false }
        return true
    }

    /// The last component, without the null byte.
    var base: ArraySlice<UInt8> { bytes[baseStart..<count] }

    /// Drops the first bytes of the last component.
    mutating func removeBasePrefix(_ length: Int) { bytes.removeSubrange(baseStart..<baseStart + length) }

    func invalid(_ reason: String, _ name: [UInt8]) -> ImageError { invalid("entry", name, reason) }

    private func invalid(_ what: StaticString, _ name: [UInt8], _ reason: String) -> ImageError {
        let shown = String(decoding: name.prefix(200), as: UTF8.self) + (name.count > 200 ? "…" : "")
        return ImageError(.invalidLayer, "invalid \(container): \(what) \"\(shown)\": \(reason)")
    }
}
