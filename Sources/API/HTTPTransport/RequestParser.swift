import NIOCore

/// Cuts a stream of bytes into requests. Pure: it is given bytes and gives events; what belongs to the next request,
/// or to a protocol after HTTP, stays in it untouched.
struct RequestParser {
    enum Event: Equatable {
        case head(RequestHead)
        case body(ByteBuffer)
        case end
    }

    private enum State {
        case head
        case fixedBody(remaining: Int)
        case chunkSize, chunkEnd, trailers
        case chunk(remaining: Int)
        case end
    }

    /// Bytes of the request line and the fields together.
    static let headLimit = 64 << 10
    private static let chunkLineLimit = 4096

    private var state = State.head
    private var buffer = ByteBuffer()
    /// How much of the buffer is known to hold no complete head.
    private var scanned = 0
    private var trailerBytes = 0

    init() {}

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Bytes that have come and are not consumed yet.
    var pendingBytes: Int { buffer.readableBytes }

    /// Takes everything that is not consumed, for a protocol that follows HTTP.
    mutating func takePending() -> [UInt8] {
        defer { buffer = ByteBuffer() }
        return Array(buffer.readableBytesView)
    }

    /// - Returns: the next event; nil where more bytes are needed. After `.end` the next request begins
    /// - Throws: `HTTPSyntaxError`; nothing after it can be trusted
    mutating func next() throws(HTTPSyntaxError) -> Event? {
        while true {
            switch state {
            case .head: return try head()
            case .fixedBody(let remaining):
                guard let bytes = take(remaining) else { return nil }
                let left = remaining - bytes.readableBytes
                state = left == 0 ? .end : .fixedBody(remaining: left)
                return .body(bytes)
            case .chunk(let remaining):
                guard let bytes = take(remaining) else { return nil }
                let left = remaining - bytes.readableBytes
                state = left == 0 ? .chunkEnd : .chunk(remaining: left)
                return .body(bytes)
            case .chunkSize, .chunkEnd, .trailers:
                guard try chunkLine() else { return nil }
            case .end:
                state = .head
                return .end
            }
        }
    }

    // MARK: Head

    private mutating func head() throws(HTTPSyntaxError) -> Event? {
        skipEmptyLines()
        let view = buffer.readableBytesView
        // The greeting of TLS, for one, has no line end to wait for: whoever tries it first is not kept waiting.
        if let first = view.first, !RequestHeadParser.isToken(first) {
            throw HTTPSyntaxError("malformed request line")
        }
        guard let end = Self.endOfHead(view, from: view.startIndex + scanned) else {
            guard view.count <= Self.headLimit else {
                throw HTTPSyntaxError("request head too large", status: 431)
            }
            scanned = max(0, view.count - 3)
            return nil
        }
        guard end - view.startIndex <= Self.headLimit else {
            throw HTTPSyntaxError("request head too large", status: 431)
        }
        let bytes = Array(view[..<end])
        buffer.moveReaderIndex(forwardBy: bytes.count)
        scanned = 0
        let head = try RequestHeadParser.parse(Self.lines(bytes))
        switch head.bodyLength {
        case .none: state = .end
        case .bytes(let count): state = .fixedBody(remaining: count)
        case .chunked: state = .chunkSize
        }
        return .head(head)
    }

    /// A client may send an empty line after a body (RFC 9112, section 2.2).
    private mutating func skipEmptyLines() {
        guard scanned == 0 else { return }
        while let byte = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self),
            byte == 0x0D || byte == 0x0A
        {
            buffer.moveReaderIndex(forwardBy: 1)
        }
    }

    /// The index behind the empty line; lines end with LF, before which a CR belongs to the end.
    private static func endOfHead(_ view: ByteBufferView, from start: Int) -> Int? {
        var index = start
        while let lineFeed = view[index...].firstIndex(of: 0x0A) {
            index = lineFeed + 1
            if index < view.endIndex, view[index] == 0x0A { return index + 1 }
            if index + 1 < view.endIndex, view[index] == 0x0D, view[index + 1] == 0x0A { return index + 2 }
        }
        return nil
    }

    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
            .map { $0.last == 0x0D ? $0.dropLast() : $0 }
            .filter { !$0.isEmpty }
    }

    // MARK: Body

    private mutating func take(_ limit: Int) -> ByteBuffer? {
        let count = min(limit, buffer.readableBytes)
        return count > 0 ? buffer.readSlice(length: count) : nil
    }

    /// Consumes the line before, after or behind the chunks.
    /// - Returns: whether there was a complete one
    private mutating func chunkLine() throws(HTTPSyntaxError) -> Bool {
        let view = buffer.readableBytesView
        guard let lineFeed = view.firstIndex(of: 0x0A) else {
            guard view.count <= Self.chunkLineLimit else { throw HTTPSyntaxError("chunk line too long") }
            return false
        }
        let length = lineFeed + 1 - view.startIndex
        guard length <= Self.chunkLineLimit else { throw HTTPSyntaxError("chunk line too long") }
        // Nobody sends a bare line feed here by mistake, and proxies disagree about it.
        guard view[..<lineFeed].last == 0x0D else { throw HTTPSyntaxError("malformed chunk line") }
        let text = Array(view[..<lineFeed].dropLast())
        buffer.moveReaderIndex(forwardBy: length)
        try accept(chunkLine: text)
        return true
    }

    private mutating func accept(chunkLine line: [UInt8]) throws(HTTPSyntaxError) {
        switch state {
        case .chunkSize:
            let size = try Self.chunkSize(line)
            trailerBytes = 0
            state = size == 0 ? .trailers : .chunk(remaining: size)
        case .chunkEnd:
            guard line.isEmpty else { throw HTTPSyntaxError("malformed chunk end") }
            state = .chunkSize
        default:
            trailerBytes += line.count + 2
            guard trailerBytes <= Self.headLimit else {
                throw HTTPSyntaxError("trailers too large", status: 431)
            }
            if line.isEmpty { state = .end }
        }
    }

    /// Hexadecimal digits; extensions behind a semicolon are ignored.
    private static func chunkSize(_ line: [UInt8]) throws(HTTPSyntaxError) -> Int {
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
        let behind = line.dropFirst(digits.count).first { $0 != 0x20 && $0 != 0x09 }
        guard (1...15).contains(digits.count), digits.allSatisfy({ isHexadecimal($0) }),
            behind == nil || behind == UInt8(ascii: ";"), line.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }),
            let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw HTTPSyntaxError("malformed chunk size") }
        return size
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
