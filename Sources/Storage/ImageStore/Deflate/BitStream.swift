/// Bits of a deflate stream, least significant first (RFC 1951, section 3.1.1).
struct BitReader {
    private let bytes: UnsafeRawBufferPointer
    private var next: Int
    private var bits: UInt64 = 0
    private var count = 0

    init(_ bytes: UnsafeRawBufferPointer, from start: Int = 0) {
        self.bytes = bytes
        next = start
    }

    /// How many bits were taken, from the beginning of the bytes.
    var position: Int { next * 8 - count }

    /// The next 16 bits or more, with zeros behind the end.
    mutating func peek() -> UInt64 {
        while count <= 48, next < bytes.count {
            bits |= UInt64(bytes[next]) << UInt64(count)
            next += 1
            count += 8
        }
        return bits
    }

    mutating func drop(_ width: Int) throws {
        guard width <= count else { throw DeflateError.damaged }
        bits >>= UInt64(width)
        count -= width
    }

    /// - Parameter width: at most 16
    mutating func take(_ width: Int) throws -> Int {
        let value = peek() & (1 << UInt64(width) - 1)
        try drop(width)
        return Int(value)
    }

    /// The bits up to the next whole byte.
    mutating func align() throws -> Int { try take((8 - position % 8) % 8) }

    mutating func byte() throws -> UInt8 { UInt8(try take(8)) }

    /// Bits of the past, packed from the first byte's lowest bit on.
    func copy(from start: Int, to end: Int) -> [UInt8] {
        var reader = BitReader(bytes, from: start / 8)
        _ = try? reader.take(start % 8)
        var result: [UInt8] = []
        var left = end - start
        while left > 0 {
            guard let value = try? reader.take(min(8, left)) else { break }
            result.append(UInt8(value))
            left -= 8
        }
        return result
    }
}

/// Takes the bits of a deflate stream.
struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var bits: UInt64 = 0
    private var count = 0

    /// - Parameter width: at most 32
    mutating func put(_ value: Int, _ width: Int) {
        bits |= UInt64(value) << UInt64(count)
        count += width
        while count >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
            count -= 8
        }
    }

    /// How many bits are missing to a whole byte.
    var missing: Int { (8 - count) % 8 }

    /// The whole bytes so far, which are then forgotten.
    mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }
}

/// Why a stream cannot be described. Nobody sees it: the stream itself is kept then.
enum DeflateError: Error {
    case damaged
    /// It would take more to describe it than it has bytes, or it is of a kind that is not described.
    case notWorthIt
}
