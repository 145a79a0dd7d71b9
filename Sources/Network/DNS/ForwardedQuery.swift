/// A client's query on its way to another server, under a number of its own: whoever wants to forge the answer has to
/// guess it.
package struct ForwardedQuery: Sendable {
    private let query: Query
    private let name: DomainName
    private let id: UInt16

    /// - Parameter id: random
    package init(_ query: Query, id: UInt16) {
        self.query = query
        self.id = id
        name = query.name.folded
    }

    /// What is sent: the client's message, with all of its options.
    package var message: [UInt8] { id.bigEndianBytes + query.message.dropFirst(2) }

    package enum Reading: Sendable, Equatable {
        /// Nothing that this query can have caused.
        case foreign
        /// The server cannot or will not say; another one may.
        case failure
        case answer
    }

    /// Whether a message is the answer to this query (RFC 5452 section 9.1; where it came from is the caller's to see).
    package func read(_ message: [UInt8]) -> Reading {
        guard let header = MessageHeader(message), header.isResponse, header.id == id, header.opcode == 0
        else {
            return .foreign
        }
        let failures = [ResponseCode.formatError, .serverFailure, .notImplemented, .refused]
        let isFailure = failures.contains { $0.rawValue == header.code }
        if header.questions == 0 { return isFailure ? .failure : .foreign }
        var offset = MessageHeader.size
        guard header.questions == 1, let asked = DomainName.read(message, at: &offset), asked.folded == name,
            offset + 4 <= message.count, message.number(at: offset) == query.type,
            message.number(at: offset + 2) == query.recordClass
        else { return .foreign }
        return isFailure ? .failure : .answer
    }

    /// What the client gets: the answer under its own number. One that is longer than the client takes is cut down to
    /// the question, so that it asks again over TCP.
    package func delivered(_ answer: [UInt8], isStream: Bool) -> [UInt8] {
        guard answer.count > query.answerLimit(isStream: isStream), var header = MessageHeader(answer) else {
            return query.header.id.bigEndianBytes + answer.dropFirst(2)
        }
        header.id = query.header.id
        header.flags |= MessageHeader.truncated
        header.questions = 1
        header.answers = 0
        header.authorities = 0
        header.additionals = 0
        return header.bytes + query.name.bytes + query.type.bigEndianBytes + query.recordClass.bigEndianBytes
    }

    /// What the client gets where no server answered.
    package func failed(isStream: Bool) -> [UInt8] {
        Answer.make(to: query, code: .serverFailure, isStream: isStream)
    }
}
