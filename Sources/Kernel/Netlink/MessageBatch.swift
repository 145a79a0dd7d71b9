/// Netlink messages in one buffer, sent with one call: requests to rtnetlink, or a whole nftables transaction.
///
/// Every number of the message header is in the host's byte order; sequence numbers are filled in when the batch is
/// sent. A length that does not fit its 16-bit field is remembered and makes sending fail with `EMSGSIZE`.
package struct MessageBatch: Sendable {
    struct Message: Sendable {
        var offset: Int
        var flags: MessageFlags
        /// What error messages call the request, such as `RTM_NEWLINK`.
        var name: String
        var subject: String
        /// Errors that count as success.
        var tolerated: [Int32]
    }

    package private(set) var bytes: [UInt8] = []
    private(set) var messages: [Message] = []
    private(set) var isTooLong = false

    package init() {}

    package var isEmpty: Bool { messages.isEmpty }

    /// Appends a message: `nlmsghdr`, the protocol's fixed header and attributes.
    /// - Parameters:
    ///   - type: `nlmsg_type`
    ///   - name: how errors name the request
    ///   - subject: what it works on
    ///   - tolerated: error numbers that count as success, such as `EEXIST`
    ///   - body: appends fixed header and attributes
    package mutating func message(
        _ type: UInt16, _ flags: MessageFlags, name: String, subject: String = "", tolerated: [Int32] = [],
        _ body: (inout MessageBatch) -> Void
    ) {
        let offset = bytes.count
        messages.append(
            Message(offset: offset, flags: flags, name: name, subject: subject, tolerated: tolerated))
        append(UInt32(0))
        append(type)
        append(flags.rawValue)
        append(UInt32(0))
        append(UInt32(0))
        body(&self)
        store(UInt32(truncatingIfNeeded: bytes.count - offset), at: offset)
        pad()
    }

    /// Appends a number in the host's byte order.
    package mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(contentsOf content: some Sequence<UInt8>) {
        bytes.append(contentsOf: content)
    }

    package mutating func attribute(_ type: UInt16, _ content: some Collection<UInt8>) {
        attributeHeader(type, length: content.count)
        bytes.append(contentsOf: content)
        pad()
    }

    /// A number in the host's byte order.
    package mutating func attribute(_ type: UInt16, number: some FixedWidthInteger) {
        attributeHeader(type, length: number.bitWidth / 8)
        append(number)
        pad()
    }

    /// A string with its terminating NUL.
    package mutating func attribute(_ type: UInt16, string: String) {
        attributeHeader(type, length: string.utf8.count + 1)
        bytes.append(contentsOf: string.utf8)
        bytes.append(0)
        pad()
    }

    /// An attribute made of attributes, marked as such.
    package mutating func nested(_ type: UInt16, _ body: (inout MessageBatch) -> Void) {
        let offset = bytes.count
        append(UInt16(0))
        append(type | 0x8000)
        body(&self)
        setLength(bytes.count - offset, at: offset)
        pad()
    }

    private mutating func attributeHeader(_ type: UInt16, length: Int) {
        let offset = bytes.count
        append(UInt16(0))
        append(type)
        setLength(length + 4, at: offset)
    }

    private mutating func setLength(_ length: Int, at offset: Int) {
        guard let fitting = UInt16(exactly: length) else {
            isTooLong = true
            return
        }
        store(fitting, at: offset)
    }

    private mutating func store(_ value: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: value) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    /// The buffer with the sequence numbers `first`, `first + 1`, … filled in.
    func numbered(from first: UInt32) -> [UInt8] {
        var copy = self
        for (index, message) in messages.enumerated() {
            copy.store(first &+ UInt32(truncatingIfNeeded: index), at: message.offset + 8)
        }
        return copy.bytes
    }
}

extension MessageBatch {
    /// Asks for an acknowledgement of the last message, which is enough where errors of the others are reported anyway.
    mutating func acknowledgeLast() {
        guard let index = messages.indices.last else { return }
        messages[index].flags.insert(.acknowledge)
        store(messages[index].flags.rawValue, at: messages[index].offset + 6)
    }
}
