/// The path and the query of a request, decoded.
package struct RequestTarget: Sendable {
    package let path: String
    package let query: Query

    /// - Throws: `HTTPSyntaxError` for a broken percent escape in the path
    package init(_ target: String) throws(HTTPSyntaxError) {
        var rest = target[...]
        if !rest.hasPrefix("/") { rest = Self.withoutAuthority(rest) }
        let mark = rest.firstIndex(of: "?")
        guard let path = Self.decode(rest[..<(mark ?? rest.endIndex)], plusIsSpace: false) else {
            throw HTTPSyntaxError("malformed escape in the path")
        }
        self.path = path
        query = Query(mark.map { rest[rest.index(after: $0)...] } ?? "")
    }

    /// `http://host/path` as a proxy's client sends it; what the host is does not matter.
    private static func withoutAuthority(_ text: Substring) -> Substring {
        guard text.hasPrefix("http://") else { return text }
        let behind = text.dropFirst("http://".count)
        return behind.firstIndex(of: "/").map { behind[$0...] } ?? "/"
    }

    /// Resolves percent escapes; nil where one is broken.
    package static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal),
                    let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

/// The parameters behind the question mark. Broken escapes drop the parameter, as Go's `URL.Query` does.
package struct Query: Sendable {
    private var items: [(name: String, value: String)] = []

    package init(_ text: Substring) {
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = RequestTarget.decode(pair[0], plusIsSpace: true),
                let value = RequestTarget.decode(pair.count == 2 ? pair[1] : "", plusIsSpace: true)
            else { continue }
            items.append((name, value))
        }
    }

    /// The first value of a parameter; nil where it is not there.
    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// Docker's idea of a flag: everything but nothing, `0`, `no`, `false` and `none` is true.
    package func flag(_ name: String, default value: Bool = false) -> Bool {
        guard let text = self[name] else { return value }
        return !["", "0", "no", "false", "none"].contains(text.trimmingBlanks().lowercased())
    }
}
