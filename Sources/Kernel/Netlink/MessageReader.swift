/// One received netlink message. Its content comes from the kernel, but is read as if it came from anybody.
package struct NetlinkMessage: Sendable {
    package let type: UInt16
    package let flags: MessageFlags
    package let sequence: UInt32
    package let port: UInt32
    /// What follows the 16 bytes of the header.
    package let payload: ArraySlice<UInt8>

    /// Reads the messages of a datagram; stops at the first that is cut off or malformed.
    package static func parse(_ datagram: ArraySlice<UInt8>) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var rest = datagram
        while rest.count >= 16, let length = rest.integer(UInt32.self, at: 0).map(Int.init), length >= 16,
            length <= rest.count
        {
            messages.append(
                NetlinkMessage(
                    type: rest.integer(at: 4) ?? 0, flags: MessageFlags(rawValue: rest.integer(at: 6) ?? 0),
                    sequence: rest.integer(at: 8) ?? 0, port: rest.integer(at: 12) ?? 0,
                    payload: rest.dropFirst(16).prefix(length - 16)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }

    /// The attributes after a fixed header of `headerLength` bytes.
    package func attributes(after headerLength: Int) -> Attributes {
        Attributes(payload.dropFirst((headerLength + 3) & ~3))
    }
}

/// The attributes of a message or of a nested attribute, in order.
package struct Attributes: Sendable, Sequence, IteratorProtocol {
    package struct Element: Sendable {
        /// Without the nesting and byte-order flags.
        package let type: UInt16
        package let content: ArraySlice<UInt8>

        package func number<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? { content.integer(at: 0) }

        /// The text up to the first NUL; nil where it is no UTF-8.
        package var string: String? {
            String(validating: content.prefix { $0 != 0 }, as: UTF8.self)
        }

        package var nested: Attributes { Attributes(content) }
    }

    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    package mutating func next() -> Element? {
        guard rest.count >= 4, let length = rest.integer(UInt16.self, at: 0).map(Int.init), length >= 4,
            length <= rest.count, let type = rest.integer(UInt16.self, at: 2)
        else { return nil }
        let content = rest.dropFirst(4).prefix(length - 4)
        rest = rest.dropFirst((length + 3) & ~3)
        return Element(type: type & 0x3fff, content: content)
    }

    /// The first attribute of a type.
    package subscript(type: UInt16) -> Element? { first { $0.type == type } }
}

extension ArraySlice<UInt8> {
    /// A number in the host's byte order; nil where the bytes end before it.
    func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int) -> T? {
        guard offset >= 0, count >= offset + T.bitWidth / 8 else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
    }
}
