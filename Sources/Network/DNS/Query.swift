/// A question, as a client sent it.
package struct Query: Sendable {
    /// What a query may be long, in bytes: far more than any name with its options needs, so that waiting queries of a
    /// hostile client take little memory.
    package static let limit = 1232

    /// What is known of EDNS (RFC 6891) in a query that uses it.
    package struct Options: Sendable, Hashable {
        /// The largest datagram that the client takes, as it said.
        package var size: UInt16
        package var version: UInt8
    }

    /// The whole message as it came.
    package let message: [UInt8]
    package let header: MessageHeader
    package let name: DomainName
    package let type: UInt16
    package let recordClass: UInt16
    package let edns: Options?

    package enum Reading: Sendable {
        case query(Query)
        /// Not understood, but the sender can be told why.
        case rejected(MessageHeader, ResponseCode)
        /// No query at all: an answer to it might be answered in turn.
        case noQuery
    }

    /// Reads a message from a client that may have sent anything.
    package static func read(_ message: [UInt8]) -> Reading {
        guard let header = MessageHeader(message), !header.isResponse else { return .noQuery }
        guard header.opcode == 0 else { return .rejected(header, .notImplemented) }
        guard message.count <= limit, header.questions == 1 else { return .rejected(header, .formatError) }
        var offset = MessageHeader.size
        guard let name = DomainName.read(message, at: &offset), offset + 4 <= message.count else {
            return .rejected(header, .formatError)
        }
        let type = message.number(at: offset)
        let recordClass = message.number(at: offset + 2)
        offset += 4
        var options: [Options] = []
        let records = Int(header.answers) + Int(header.authorities) + Int(header.additionals)
        for _ in 0..<records {
            guard readRecord(message, at: &offset, &options) else { return .rejected(header, .formatError) }
        }
        guard options.count <= 1 else { return .rejected(header, .formatError) }
        return .query(
            Query(
                message: message, header: header, name: name, type: type, recordClass: recordClass,
                edns: options.first))
    }

    /// Reads over one record, and notes what it says of EDNS.
    /// - Returns: whether it fits the message
    private static func readRecord(
        _ message: [UInt8], at offset: inout Int, _ options: inout [Options]
    ) -> Bool {
        guard DomainName.read(message, at: &offset) != nil, offset + 10 <= message.count else { return false }
        if message.number(at: offset) == RecordType.options {
            // The class stands for the size, the second byte of the time to live for the version.
            options.append(Options(size: message.number(at: offset + 2), version: message[offset + 5]))
        }
        offset += 10 + Int(message.number(at: offset + 8))
        return offset <= message.count
    }

    /// The longest answer that the client takes, in bytes.
    package func answerLimit(isStream: Bool) -> Int {
        isStream ? 65535 : max(512, Int(edns?.size ?? 512))
    }
}
