/// The twelve bytes at the start of every message (RFC 1035 section 4.1.1).
package struct MessageHeader: Sendable, Hashable {
    package static let size = 12

    package var id: UInt16
    package var flags: UInt16
    package var questions: UInt16
    package var answers: UInt16
    package var authorities: UInt16
    package var additionals: UInt16

    package static let response: UInt16 = 0x8000
    package static let truncated: UInt16 = 0x0200
    package static let recursionDesired: UInt16 = 0x0100
    package static let recursionAvailable: UInt16 = 0x0080
    package static let checkingDisabled: UInt16 = 0x0010
    static let opcodeMask: UInt16 = 0x7800

    /// - Returns: nil where the message is too short to have one
    package init?(_ message: [UInt8]) {
        guard message.count >= Self.size else { return nil }
        id = message.number(at: 0)
        flags = message.number(at: 2)
        questions = message.number(at: 4)
        answers = message.number(at: 6)
        authorities = message.number(at: 8)
        additionals = message.number(at: 10)
    }

    init(id: UInt16, flags: UInt16) {
        self.id = id
        self.flags = flags
        questions = 0
        answers = 0
        authorities = 0
        additionals = 0
    }

    package var isResponse: Bool { flags & Self.response != 0 }
    package var isTruncated: Bool { flags & Self.truncated != 0 }
    /// 0 is a plain query.
    package var opcode: UInt16 { (flags & Self.opcodeMask) >> 11 }
    /// The low four bits of the response code.
    package var code: UInt16 { flags & 0xf }

    var bytes: [UInt8] {
        [id, flags, questions, answers, authorities, additionals].flatMap(\.bigEndianBytes)
    }
}

/// Response codes (RFC 1035 section 4.1.1, RFC 6891 section 9).
package enum ResponseCode: UInt16, Sendable {
    case success = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
    case badVersion = 16
}

package enum RecordType {
    package static let address: UInt16 = 1
    package static let pointer: UInt16 = 12
    package static let address6: UInt16 = 28
    /// The pseudo-record of EDNS.
    package static let options: UInt16 = 41
    /// In questions only.
    package static let any: UInt16 = 255
}

package enum RecordClass {
    package static let internet: UInt16 = 1
    package static let any: UInt16 = 255
}

extension [UInt8] {
    /// A number in network order; the bytes have to be there.
    func number(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }
}

extension UInt16 {
    var bigEndianBytes: [UInt8] { [UInt8(self >> 8), UInt8(self & 0xff)] }
}

extension UInt32 {
    var bigEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (24 - 8 * $0)) } }
}
