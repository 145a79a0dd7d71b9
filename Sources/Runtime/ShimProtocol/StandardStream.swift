/// An output stream of a process.
package enum StandardStream: UInt8, Sendable, CaseIterable {
    case output = 1
    case error = 2

    /// The name in the log's lines.
    package var name: String { self == .output ? "stdout" : "stderr" }
}

/// The header before each piece of output on a client's stream without a terminal (Docker Engine API, "Stream format"):
/// the stream's number, three zeros, the length as big endian u32.
package enum StreamFrame {
    package static let headerLength = 8

    /// Writes the header to the first eight bytes of `buffer`.
    package static func writeHeader(
        _ stream: StandardStream, length: Int, to buffer: UnsafeMutableRawBufferPointer
    ) {
        buffer[0] = stream.rawValue
        for index in 1...3 { buffer[index] = 0 }
        for index in 0..<4 { buffer[4 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
    }

    package static func header(_ stream: StandardStream, length: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: headerLength) { buffer, count in
            writeHeader(stream, length: length, to: UnsafeMutableRawBufferPointer(buffer))
            count = headerLength
        }
    }
}
