import ShimProtocol

/// The one buffer through which output passes, with room for a frame's header in front. Its memory exists only while
/// output flows.
final class TransferBuffer {
    /// What a pipe holds by default.
    static let payloadLength = 65536

    private var storage: UnsafeMutableRawBufferPointer?

    private var whole: UnsafeMutableRawBufferPointer {
        if let storage { return storage }
        let fresh = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.payloadLength + StreamFrame.headerLength, alignment: 16)
        storage = fresh
        return fresh
    }

    /// Where output is read to.
    var payload: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: whole[StreamFrame.headerLength...])
    }

    /// The payload's first `count` bytes behind their header.
    func frame(_ stream: StandardStream, _ count: Int) -> UnsafeRawBufferPointer {
        let whole = whole
        StreamFrame.writeHeader(stream, length: count, to: whole)
        return UnsafeRawBufferPointer(rebasing: whole[..<(StreamFrame.headerLength + count)])
    }

    func release() {
        storage?.deallocate()
        storage = nil
    }

    deinit { release() }
}
