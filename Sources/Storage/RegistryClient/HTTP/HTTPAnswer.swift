import Glibc

/// An answer whose body is still to be read. Used by one thread; the connection goes back to the pool at its end.
final class HTTPAnswer {
    private enum Framing {
        case length(left: Int64)
        /// Bytes left of the current chunk; nil before the next chunk's head.
        case chunks(left: Int64?)
        case untilClose
    }

    let head: HTTPHead
    let address: WebAddress
    private var framing: Framing
    /// Whether the body says where it ends, so that one that was cut cannot be taken for a whole one.
    let isDelimited: Bool
    private var connection: HTTPConnection?
    private static let trailerLimit = 100
    private let giveBack: (HTTPConnection) -> Void

    init(
        _ connection: HTTPConnection, head: HTTPHead, request: HTTPRequest,
        giveBack: @escaping (HTTPConnection) -> Void
    ) throws {
        self.head = head
        self.connection = connection
        self.giveBack = giveBack
        address = request.address
        if request.method == "HEAD" || head.status == 204 || head.status == 304 {
            framing = .length(left: 0)
        } else if head.isChunked {
            framing = .chunks(left: nil)
        } else if let length = try head.length() {
            framing = .length(left: length)
        } else {
            framing = .untilClose
        }
        if case .untilClose = framing { isDelimited = false } else { isDelimited = true }
        if case .length(0) = framing { finish() }
    }

    var status: Int { head.status }

    private func finish() {
        if let connection, head.keepsAlive { giveBack(connection) }
        connection = nil
    }

    /// - Returns: how many bytes; 0 only at the body's end
    /// - Throws: `RegistryError` (`unavailable`, transient) where the connection ends before the body does
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let connection, !buffer.isEmpty else { return 0 }
        switch framing {
        case .length(let left):
            let count = try connection.read(into: Self.prefix(buffer, left))
            guard count > 0 else { throw cut() }
            framing = .length(left: left - Int64(count))
            if left == Int64(count) { finish() }
            return count
        case .chunks(let left):
            return try readChunked(connection, left, buffer)
        case .untilClose:
            let count = try connection.read(into: buffer)
            if count == 0 { self.connection = nil }
            return count
        }
    }

    private func readChunked(
        _ connection: HTTPConnection, _ left: Int64?, _ buffer: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        var left = left ?? 0
        if left == 0 {
            let line = try connection.readLine().prefix { $0 != ";" }.trimmed
            guard let size = Int64(line, radix: 16), size >= 0 else {
                throw RegistryError(.invalidAnswer, "malformed chunked encoding from \(connection.origin)")
            }
            if size == 0 {
                var trailers = 0
                while try !connection.readLine().isEmpty {
                    trailers += 1
                    guard trailers <= Self.trailerLimit else {
                        throw RegistryError(
                            .invalidAnswer, "malformed chunked encoding from \(connection.origin)")
                    }
                }
                finish()
                self.connection = nil
                return 0
            }
            left = size
        }
        let count = try connection.read(into: Self.prefix(buffer, left))
        guard count > 0 else { throw cut() }
        left -= Int64(count)
        if left == 0 {
            guard try connection.readLine().isEmpty else {
                throw RegistryError(.invalidAnswer, "malformed chunked encoding from \(connection.origin)")
            }
        }
        framing = .chunks(left: left == 0 ? nil : left)
        return count
    }

    private static func prefix(
        _ buffer: UnsafeMutableRawBufferPointer, _ count: Int64
    ) -> UnsafeMutableRawBufferPointer {
        Int64(buffer.count) <= count
            ? buffer : UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(count)])
    }

    private func cut() -> RegistryError {
        connection = nil
        return RegistryError(.unavailable, "unexpected EOF from \(address.origin)", isTransient: true)
    }

    /// The whole body.
    /// - Throws: `RegistryError` (`invalidAnswer`) where it has more than `limit` bytes
    func readAll(limit: Int, _ what: String) throws -> [UInt8] {
        if let length = try head.length(), length > limit { throw Self.tooLarge(what, limit) }
        var body: [UInt8] = []
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 << 10, alignment: 16)
        defer { room.deallocate() }
        while true {
            let count = try read(into: room)
            if count == 0 { return body }
            body += UnsafeRawBufferPointer(rebasing: room[..<count])
            guard body.count <= limit else { throw Self.tooLarge(what, limit) }
        }
    }

    private static func tooLarge(_ what: String, _ limit: Int) -> RegistryError {
        RegistryError(
            .invalidAnswer, "\(what) is larger than the \(limit >> 20) MiB that are allowed")
    }

    /// Reads the rest of a short body so that the connection can be used again.
    func drain() {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
        defer { room.deallocate() }
        for _ in 0..<4 {
            // A connection that fails now is not used again, which is all there is to do about it.
            guard let count = try? read(into: room), count > 0 else { return }
        }
        connection = nil
    }
}
