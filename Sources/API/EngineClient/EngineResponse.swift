package import JSONCodec

/// Status line and header of an answer.
package struct ResponseHead: Sendable {
    package let status: Int
    package let headers: [(name: String, value: String)]
    fileprivate let keepsAlive: Bool

    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name == wanted }?.value
    }

    init(reading connection: EngineConnection) throws(EngineError) {
        guard let line = try connection.readLine() else {
            throw EngineError(.connectionLost, "the daemon closed the connection without an answer")
        }
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw EngineError(.malformedResponse, "the daemon's answer is no HTTP: \(line.prefix(80))")
        }
        var headers: [(name: String, value: String)] = []
        while true {
            guard let line = try connection.readLine() else {
                throw EngineError(.connectionLost, "the daemon closed the connection within an answer")
            }
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else {
                throw EngineError(
                    .malformedResponse, "the daemon sent a header without a colon: \(line.prefix(80))")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((line[..<colon].lowercased(), String(value)))
        }
        self.status = status
        self.headers = headers
        keepsAlive =
            words[0] != "HTTP/1.0"
            && headers.first { $0.name == "connection" }?.value.lowercased() != "close"
    }
}

/// An answer whose body is read piece by piece. The connection goes back to the client with the body's end.
package final class EngineResponse {
    private enum Framing {
        case none
        case length(Int)
        /// Bytes that are left of the current chunk; 0 before a chunk's head.
        case chunked(left: Int)
        case untilClose
    }

    package let head: ResponseHead
    package let connection: EngineConnection
    private var framing: Framing
    private var lines: [UInt8] = []
    private let release: (EngineConnection) -> Void

    init(
        head: ResponseHead, connection: EngineConnection, bodyless: Bool,
        release: @escaping (EngineConnection) -> Void
    ) throws(EngineError) {
        self.head = head
        self.connection = connection
        self.release = release
        framing = try Self.framing(of: head, bodyless: bodyless)
        if case .none = framing { finish() }
    }

    private static func framing(of head: ResponseHead, bodyless: Bool) throws(EngineError) -> Framing {
        if bodyless || head.status == 204 || head.status == 304 { return .none }
        if head.header("transfer-encoding")?.lowercased() == "chunked" { return .chunked(left: 0) }
        guard let text = head.header("content-length") else { return .untilClose }
        guard let length = Int(text), length >= 0 else {
            throw EngineError(.malformedResponse, "the daemon sent the content length \(text)")
        }
        return length == 0 ? .none : .length(length)
    }

    private func finish() {
        framing = .none
        if head.keepsAlive { release(connection) }
    }

    /// Whether something can be read without waiting for the connection.
    package var hasBufferedBytes: Bool { connection.hasBufferedBytes }

    /// Whether the body has ended.
    package var isComplete: Bool { if case .none = framing { true } else { false } }

    /// Hands the next piece of the body to `body`, waiting for it; false at the end.
    /// - Throws: `EngineError` (connectionLost, malformedResponse)
    package func readPiece(_ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(EngineError) -> Bool {
        switch framing {
        case .none: return false
        case .untilClose:
            if try connection.consume(upTo: .max, body) { return true }
            framing = .none
            return false
        case .length(let left): return try readCounted(left, body)
        case .chunked(let left): return try readChunk(left, body)
        }
    }

    private func readCounted(_ left: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(EngineError)
        -> Bool
    {
        var count = 0
        let more = try connection.consume(upTo: left) { (bytes: UnsafeBufferPointer<UInt8>) in
            count = bytes.count
            body(bytes)
        }
        guard more else {
            throw EngineError(.connectionLost, "the daemon closed the connection within an answer")
        }
        framing = .length(left - count)
        if left == count { finish() }
        return true
    }

    private func readChunk(_ left: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(EngineError)
        -> Bool
    {
        var left = left
        if left == 0 {
            left = try chunkSize()
            if left == 0 {
                while let line = try connection.readLine(), !line.isEmpty {}
                finish()
                return false
            }
        }
        var count = 0
        let more = try connection.consume(upTo: left) { (bytes: UnsafeBufferPointer<UInt8>) in
            count = bytes.count
            body(bytes)
        }
        guard more else {
            throw EngineError(.connectionLost, "the daemon closed the connection within an answer")
        }
        framing = .chunked(left: left - count)
        if left == count, try connection.readLine() != "" {
            throw EngineError(.malformedResponse, "the daemon sent a chunk of the wrong length")
        }
        return true
    }

    private func chunkSize() throws(EngineError) -> Int {
        guard let line = try connection.readLine() else {
            throw EngineError(.connectionLost, "the daemon closed the connection within an answer")
        }
        guard let size = Int(line.prefix { $0 != ";" && $0 != " " }, radix: 16), size >= 0 else {
            throw EngineError(.malformedResponse, "the daemon sent the chunk size \(line.prefix(40))")
        }
        return size
    }

    /// The rest of the body.
    package func readAll(limit: Int = 1 << 30) throws(EngineError) -> [UInt8] {
        var content: [UInt8] = []
        while try readPiece({ content.append(contentsOf: $0) }) {
            if content.count > limit {
                throw EngineError(.malformedResponse, "the daemon's answer is too long")
            }
        }
        return content
    }

    /// The rest of the body as one JSON value; `null` where it is empty.
    package func readJSON() throws(EngineError) -> JSONValue {
        try Self.parse(try readAll())
    }

    /// The next of the JSON values that the daemon sends one a line; nil at the end.
    package func nextJSONLine() throws(EngineError) -> JSONValue? {
        while true {
            if let end = lines.firstIndex(of: 0x0A) {
                let line = Array(lines[0..<end])
                lines.removeSubrange(0...end)
                if line.allSatisfy({ $0 == 0x0D || $0 == 0x20 }) { continue }
                return try Self.parse(line)
            }
            if try !readPiece({ lines.append(contentsOf: $0) }) {
                let line = lines
                lines = []
                // Not a conditional expression: its `nil` would be JSON's null.
                if line.isEmpty { return nil }
                return try Self.parse(line)
            }
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(EngineError) -> JSONValue {
        if bytes.isEmpty { return .null }
        do throws(JSONSyntaxError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw EngineError(.malformedResponse, "the daemon's answer is not understood: \(error)")
        }
    }
}
