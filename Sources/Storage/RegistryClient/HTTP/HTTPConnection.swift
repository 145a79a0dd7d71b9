import Glibc

/// One connection of HTTP/1.1: a request, its answer, the next request. Used by one thread at a time: whoever took it
/// out of the pool.
final class HTTPConnection: @unchecked Sendable {
    private let transport: any Transport
    let origin: String
    /// Whether an earlier request went over it: the server may have closed it meanwhile, through no fault of a new one.
    private(set) var wasUsed = false
    /// Whether a request's body was not sent to its end because the answer came first: nothing may follow it.
    private(set) var isCutShort = false
    /// Milliseconds that a head may take once it has begun.
    private let headTime: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private static let bufferSize = 128 << 10
    private static let headLimit = 64 << 10

    private static let provisionalLimit = 16

    init(_ transport: any Transport, origin: String, headTime: Int32) {
        self.transport = transport
        self.headTime = headTime
        self.origin = origin
        buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
    }

    deinit { buffer.deallocate() }

    var isQuiet: Bool { start == end && transport.isQuiet }

    // MARK: - Requests

    /// - Parameter proxy: the one that passes the request on and needs the whole address for it
    func send(_ request: HTTPRequest, through proxy: Proxy?, userAgent: String) throws {
        let target =
            proxy == nil ? request.address.target : request.address.origin + request.address.target
        var head = "\(request.method) \(target) HTTP/1.1\r\nHost: \(request.address.authority)\r\n"
        head += "User-Agent: \(userAgent)\r\n"
        if let field = proxy?.authorization { head += "Proxy-Authorization: \(field)\r\n" }
        for field in request.fields { head += "\(field.name): \(field.value)\r\n" }
        switch request.body {
        case .none:
            if ["POST", "PUT", "PATCH"].contains(request.method) { head += "Content-Length: 0\r\n" }
        case .bytes(let bytes): head += "Content-Length: \(bytes.count)\r\n"
        case .stream(.some(let length), _): head += "Content-Length: \(length)\r\n"
        case .stream(nil, _): head += "Transfer-Encoding: chunked\r\n"
        }
        var bytes = Array((head + "\r\n").utf8)
        if case .bytes(let body) = request.body { bytes += body }
        wasUsed = true
        try bytes.withUnsafeBytes { try transport.write($0) }
        if case .stream(let length, let make) = request.body { try sendBody(try make(), length) }
    }

    private func sendBody(_ source: any BodySource, _ length: Int64?) throws {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { room.deallocate() }
        var sent: Int64 = 0
        while true {
            // A refusal need not wait for the rest of the body.
            if transport.hasInput {
                isCutShort = true
                return
            }
            let count = try source.read(into: room)
            if count == 0 { break }
            sent += Int64(count)
            if let length, sent > length {
                throw RegistryError(.internal, "an upload has more than the \(length) bytes it should have")
            }
            do {
                if length == nil { try write("\(String(count, radix: 16))\r\n") }
                try transport.write(UnsafeRawBufferPointer(rebasing: room[..<count]))
                if length == nil { try write("\r\n") }
            } catch let error as RegistryError where error.code == .unavailable {
                // Whoever closes the connection may have said why.
                guard transport.hasInput else { throw error }
                isCutShort = true
                return
            }
        }
        guard let length else { return try write("0\r\n\r\n") }
        guard sent == length else {
            throw RegistryError(.internal, "an upload has \(sent) bytes instead of \(length)")
        }
    }

    private func write(_ text: String) throws {
        try Array(text.utf8).withUnsafeBytes { try transport.write($0) }
    }

    // MARK: - Answers

    /// The head of the next answer that is not a provisional one.
    /// - Parameter patience: how many times the usual limit it may take to begin: who got a large blob checks it first
    func receiveHead(patience: Int) throws -> HTTPHead {
        for _ in 0..<Self.provisionalLimit {
            if start == end { try refill(patience: patience) }
            let head = try HTTPHead(parsing: try receiveHeadBytes())
            if head.status >= 200 { return head }
            if head.status == 101 {
                throw RegistryError(.invalidAnswer, "the registry wants to leave HTTP (status 101)")
            }
        }
        throw RegistryError(.invalidAnswer, "the registry sends provisional answers without end")
    }

    private func refill(patience: Int) throws {
        var attempt = 1
        while true {
            do {
                return try refill()
            } catch let error as RegistryError {
                guard error.code == .timedOut, attempt < patience else { throw error }
                attempt += 1
            }
        }
    }

    private func receiveHeadBytes() throws -> ArraySlice<UInt8> {
        var head: [UInt8] = []
        let begin = monotonicMilliseconds()
        while true {
            guard monotonicMilliseconds() - begin <= headTime else {
                throw RegistryError(
                    .timedOut, "\(origin): the head of the answer does not come to its end",
                    isTransient: true)
            }
            if start == end { try refill() }
            guard start < end else {
                throw RegistryError(.unavailable, "unexpected EOF from \(origin)", isTransient: true)
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
            let line = piece.firstIndex(of: 0x0A).map { $0 + 1 } ?? piece.count
            head += piece[..<line]
            start += line
            guard head.count <= Self.headLimit else {
                throw RegistryError(.invalidAnswer, "the head of the registry's answer has no end")
            }
            if head.count <= 2, head.last == 0x0A {
                // Empty lines before a head are skipped (RFC 9112, section 2.2).
                head = []
            } else if head.suffix(2) == [0x0A, 0x0A] || head.suffix(3) == [0x0A, 0x0D, 0x0A] {
                return head[...]
            }
        }
    }

    private func refill() throws {
        start = 0
        end = try transport.read(into: buffer)
    }

    // MARK: - Bodies

    /// - Returns: 0 at the connection's end
    func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
        if start == end {
            if target.count >= Self.bufferSize { return try transport.read(into: target) }
            try refill()
        }
        let count = min(end - start, target.count)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<start + count]))
        start += count
        return count
    }

    /// A line of a chunked body, without its end.
    func readLine() throws -> String {
        var line: [UInt8] = []
        while true {
            if start == end { try refill() }
            guard start < end else {
                throw RegistryError(.unavailable, "unexpected EOF from \(origin)", isTransient: true)
            }
            let byte = buffer[start]
            start += 1
            if byte == 0x0A { break }
            line.append(byte)
            guard line.count <= 4096 else {
                throw RegistryError(.invalidAnswer, "malformed chunked encoding from \(origin)")
            }
        }
        return String(decoding: line.last == 0x0D ? line.dropLast() : line[...], as: UTF8.self)
    }
}
