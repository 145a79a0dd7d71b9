/// Reads the lines of a request's head. Stricter than RFC 9112 allows one to be where leniency lets two readers
/// disagree: no folded fields, no blanks before the colon, one length only.
struct RequestHeadParser {
    static let fieldLimit = 128

    /// - Parameter lines: without line ends
    static func parse(_ lines: [ArraySlice<UInt8>]) throws(HTTPSyntaxError) -> RequestHead {
        guard let first = lines.first else { throw HTTPSyntaxError("empty request") }
        let (method, target, minorVersion) = try requestLine(first)
        guard lines.count - 1 <= fieldLimit else {
            throw HTTPSyntaxError("too many header fields", status: 431)
        }
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(lines.count - 1)
        for line in lines.dropFirst() { fields.append(try field(line)) }
        try checkHost(fields)
        return RequestHead(
            method: method, target: target, minorVersion: minorVersion, fields: fields,
            bodyLength: try bodyLength(fields, minorVersion))
    }

    private static func requestLine(
        _ line: ArraySlice<UInt8>
    ) throws(HTTPSyntaxError) -> (method: String, target: String, minorVersion: Int) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(isToken) else {
            throw HTTPSyntaxError("malformed request line")
        }
        guard !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw HTTPSyntaxError("malformed request target")
        }
        let version = String(decoding: parts[2], as: UTF8.self)
        guard version.hasPrefix("HTTP/") else { throw HTTPSyntaxError("malformed HTTP version") }
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else {
            throw HTTPSyntaxError("unsupported HTTP version", status: 505)
        }
        return (
            String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self),
            version == "HTTP/1.1" ? 1 : 0
        )
    }

    private static func field(_ line: ArraySlice<UInt8>) throws(HTTPSyntaxError) -> (
        name: String, value: String
    ) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(isToken)
        else { throw HTTPSyntaxError("malformed header field") }
        let value = line[(colon + 1)...]
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw HTTPSyntaxError("malformed header value")
        }
        let name = String(
            decoding: line[..<colon].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
        return (name, String(decoding: value, as: UTF8.self).trimmingBlanks())
    }

    /// Two of them, or one with anything but an authority in it, are read in two ways by two readers (RFC 9112, section 3.2).
    private static func checkHost(_ fields: [(name: String, value: String)]) throws(HTTPSyntaxError) {
        let hosts = fields.filter { $0.name == "host" }
        guard hosts.count <= 1, hosts.allSatisfy({ $0.value.utf8.allSatisfy(isAuthority) }) else {
            throw HTTPSyntaxError("malformed Host")
        }
    }

    /// RFC 3986, section 3.2, without user names.
    private static func isAuthority(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-._~!$&'()*+,;=:[]%/".utf8.contains(byte)
        }
    }

    private static func bodyLength(
        _ fields: [(name: String, value: String)], _ minorVersion: Int
    ) throws(HTTPSyntaxError) -> RequestHead.BodyLength {
        let lengths = fields.filter { $0.name == "content-length" }.map(\.value)
        let codings = fields.filter { $0.name == "transfer-encoding" }.map(\.value)
        if !codings.isEmpty {
            guard lengths.isEmpty, minorVersion == 1 else {
                throw HTTPSyntaxError("ambiguous message length")
            }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                throw HTTPSyntaxError("unsupported transfer encoding", status: 501)
            }
            return .chunked
        }
        guard let text = lengths.first else { return .none }
        guard lengths.allSatisfy({ $0 == text }), !text.isEmpty, text.utf8.count <= 18,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text)
        else { throw HTTPSyntaxError("malformed content length") }
        return length == 0 ? .none : .bytes(length)
    }

    /// RFC 9110, section 5.6.2.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
