import OCIModel

/// A request without what its connection adds.
struct HTTPRequest {
    enum Body {
        case none
        case bytes([UInt8])
        /// `length` is nil where it is unknown: the body goes out in chunks. `make` is called for every attempt.
        case stream(length: Int64?, make: () throws -> any BodySource)
    }

    var method: String
    var address: WebAddress
    var fields: [(name: String, value: String)] = []
    var body: Body = .none

    init(_ method: String, _ address: WebAddress) {
        self.method = method
        self.address = address
    }

    mutating func set(_ name: String, _ value: String) {
        fields.removeAll { $0.name.lowercased() == name.lowercased() }
        fields.append((name, value))
    }
}

/// Where an upload's bytes come from. Read by one thread.
package protocol BodySource: AnyObject {
    /// Fills a prefix of `buffer`.
    /// - Returns: how many bytes; 0 only at the end
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// An answer's head.
struct HTTPHead: Sendable {
    let status: Int
    let fields: [(name: String, value: String)]
    let minorVersion: Int

    /// The first field of that name, in lower case.
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// - Throws: `RegistryError` where there is no whole number
    func length() throws -> Int64? {
        let values = Set(all("content-length").flatMap { $0.split(separator: ",").map { $0.trimmed } })
        guard let text = values.first else { return nil }
        guard values.count == 1, let length = Int64(text), length >= 0 else {
            throw RegistryError(.invalidAnswer, "the registry sent an invalid Content-Length: \(text)")
        }
        return length
    }

    var isChunked: Bool {
        all("transfer-encoding").contains { $0.lowercased().contains("chunked") }
    }

    var keepsAlive: Bool {
        let options = all("connection").flatMap { $0.lowercased().split(separator: ",").map { $0.trimmed } }
        if options.contains("close") { return false }
        return minorVersion >= 1 || options.contains("keep-alive")
    }

    /// Seconds to wait, given as such or as a date (RFC 9110, section 10.2.3); nil where there is none that one can read.
    var retryAfter: Int? {
        guard let text = self["retry-after"] else { return nil }
        if let seconds = Int(text) { return max(0, seconds) }
        guard let date = Timestamp(httpDate: text) else { return nil }
        return Int(clamping: max(0, date.seconds - Timestamp.now.seconds))
    }

    var mediaType: String { (self["content-type"] ?? "").prefix { $0 != ";" }.trimmed.lowercased() }
}

extension Timestamp {
    /// Parses `Sun, 06 Nov 1994 08:49:37 GMT`, the form that servers have to write (RFC 9110, section 5.6.7).
    init?(httpDate text: String) {
        let parts = text.split(separator: " ").map(String.init)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: parts[2]) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}

extension HTTPHead {
    /// Parses a head without its empty last line (RFC 9112, sections 4 and 5).
    /// - Throws: `RegistryError` (`invalidAnswer`)
    init(parsing bytes: ArraySlice<UInt8>) throws {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            line.last == 0x0D ? line.dropLast() : line
        }[...]
        guard let first = lines.popFirst() else { throw Self.malformed("empty") }
        let status = String(decoding: first, as: UTF8.self)
        let parts = status.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let minor = Int(parts[0].dropFirst(7)),
            parts[1].utf8.count == 3, let number = Int(parts[1])
        else { throw Self.malformed(status) }
        var fields: [(name: String, value: String)] = []
        for line in lines where !line.isEmpty {
            guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex else {
                throw Self.malformed(String(decoding: line, as: UTF8.self))
            }
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self).trimmed
            fields.append((String(decoding: line[..<colon], as: UTF8.self).lowercased(), value))
        }
        self.init(status: number, fields: fields, minorVersion: minor)
    }

    private static func malformed(_ text: String) -> RegistryError {
        RegistryError(
            .invalidAnswer, "malformed HTTP response \"\(text.prefix(80))\"", isTransient: false)
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        let start = firstIndex { !isBlank($0) } ?? endIndex
        guard let end = lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(self[start...end])
    }
}
