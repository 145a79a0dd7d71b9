/// What answers say about a name.
package enum Record: Sendable, Hashable {
    /// Four or sixteen bytes in network order.
    case address([UInt8])
    case pointer(DomainName)

    var type: UInt16 {
        switch self {
        case .address(let bytes): bytes.count == 4 ? RecordType.address : RecordType.address6
        case .pointer: RecordType.pointer
        }
    }

    var data: [UInt8] {
        switch self {
        case .address(let bytes): bytes
        case .pointer(let name): name.bytes
        }
    }
}

/// Answers of our own.
package enum Answer {
    /// Seconds that a client may keep a record, as Docker says.
    private static let timeToLive: UInt32 = 600
    /// The largest datagram that is taken from a client.
    private static let ownSize = UInt16(Query.limit)
    /// A pointer to the question's name, which follows the header.
    private static let pointerToQuestion: [UInt8] = [0xc0, UInt8(MessageHeader.size)]

    /// Answers a query with records of its name. Records that do not fit are left out, and the answer says so.
    package static func make(
        to query: Query, code: ResponseCode = .success, _ records: [Record] = [], isStream: Bool
    ) -> [UInt8] {
        let limit = query.answerLimit(isStream: isStream)
        var header = header(to: query.header, code)
        var body =
            query.name.bytes + query.type.bigEndianBytes + query.recordClass.bigEndianBytes
        header.questions = 1
        let tail = query.edns == nil ? [] : options(code)
        for record in records {
            let bytes = bytes(of: record)
            guard MessageHeader.size + body.count + bytes.count + tail.count <= limit else {
                header.flags |= MessageHeader.truncated
                break
            }
            body += bytes
            header.answers += 1
        }
        header.additionals = tail.isEmpty ? 0 : 1
        return header.bytes + body + tail
    }

    /// Answers what could not be read.
    package static func make(to header: MessageHeader, code: ResponseCode) -> [UInt8] {
        self.header(to: header, code).bytes
    }

    private static func header(to query: MessageHeader, _ code: ResponseCode) -> MessageHeader {
        let kept =
            MessageHeader.opcodeMask | MessageHeader.recursionDesired | MessageHeader.checkingDisabled
        return MessageHeader(
            id: query.id,
            flags: MessageHeader.response | MessageHeader.recursionAvailable | query.flags & kept
                | code.rawValue & 0xf)
    }

    private static func bytes(of record: Record) -> [UInt8] {
        let data = record.data
        return pointerToQuestion + record.type.bigEndianBytes + RecordClass.internet.bigEndianBytes
            + timeToLive.bigEndianBytes + UInt16(data.count).bigEndianBytes + data
    }

    /// The pseudo-record of EDNS: a query that has one is answered with one (RFC 6891 section 6.1.1).
    private static func options(_ code: ResponseCode) -> [UInt8] {
        DomainName.root.bytes + RecordType.options.bigEndianBytes + ownSize.bigEndianBytes
            + [UInt8(code.rawValue >> 4), 0, 0, 0] + UInt16(0).bigEndianBytes
    }
}
