package import LinuxKernel

/// One message on the wire: a header of eight bytes (length of the text, number of descriptors; both u32, little
/// endian), then the JSON text. The descriptors travel as SCM_RIGHTS with the frame's first byte, so they have arrived
/// when the frame has.
package struct ShimFrame: Sendable {
    package static let headerLength = 8
    /// Longest text in bytes. A `create` with a large specification and seccomp profile is about 50 KB.
    package static let textLimit = 8 << 20
    /// The kernel passes 253 descriptors per message (SCM_MAX_FD); this leaves room.
    package static let descriptorLimit = 250

    package var text: [UInt8]
    package var descriptors: [SharedDescriptor]

    package init(text: [UInt8], descriptors: [SharedDescriptor] = []) {
        self.text = text
        self.descriptors = descriptors
    }

    /// Header and text.
    /// - Throws: `ShimError.malformedMessage` where the frame is over a limit
    package func bytes() throws(ShimError) -> [UInt8] {
        guard text.count <= Self.textLimit, descriptors.count <= Self.descriptorLimit else {
            throw ShimError(
                .malformedMessage,
                "a message of \(text.count) bytes and \(descriptors.count) descriptors is over the limit")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerLength + text.count)
        for number in [UInt32(text.count), UInt32(descriptors.count)] {
            for shift in [0, 8, 16, 24] as [UInt32] {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        bytes.append(contentsOf: text)
        return bytes
    }
}

/// Cuts a stream of bytes and descriptors into frames, however the bytes were split on the way.
package struct ShimFrameReader: Sendable {
    private var bytes: [UInt8] = []
    private var consumed = 0
    private var descriptors: [SharedDescriptor] = []

    package init() {}

    /// Whether an end of the stream here would cut a frame in two.
    package var isInsideFrame: Bool { consumed < bytes.count || !descriptors.isEmpty }

    package mutating func append(_ received: some Collection<UInt8>, _ descriptors: [SharedDescriptor] = []) {
        bytes.append(contentsOf: received)
        self.descriptors.append(contentsOf: descriptors)
    }

    /// The next whole frame, nil until more bytes arrive.
    /// - Throws: `ShimError.malformedMessage`; the connection is of no use afterwards
    package mutating func next() throws(ShimError) -> ShimFrame? {
        guard bytes.count - consumed >= ShimFrame.headerLength else { return nil }
        let length = Int(number(at: consumed))
        let count = Int(number(at: consumed + 4))
        guard length <= ShimFrame.textLimit, count <= ShimFrame.descriptorLimit else {
            throw ShimError(
                .malformedMessage, "a frame of \(length) bytes and \(count) descriptors is over the limit")
        }
        let start = consumed + ShimFrame.headerLength
        guard bytes.count - start >= length else { return nil }
        guard descriptors.count >= count else {
            throw ShimError(
                .malformedMessage, "a frame came with \(descriptors.count) of its \(count) descriptors")
        }
        let frame = ShimFrame(
            text: Array(bytes[start..<start + length]), descriptors: Array(descriptors[..<count]))
        descriptors.removeFirst(count)
        consumed = start + length
        release()
        return frame
    }

    /// Gives the memory of a large frame back, and moves a rest to the front only when that is cheap.
    private mutating func release() {
        if consumed == bytes.count {
            bytes = []
            consumed = 0
        } else if consumed > 65536 {
            bytes = Array(bytes[consumed...])
            consumed = 0
        }
    }

    private func number(at offset: Int) -> UInt32 {
        UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
            | UInt32(bytes[offset + 3]) << 24
    }
}
