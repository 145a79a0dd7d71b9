import DNS

/// Messages as clients and servers write them, put together by hand.
enum Wire {
    static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    static func big(_ number: Int) -> [UInt8] { [UInt8(number >> 8 & 0xff), UInt8(number & 0xff)] }

    static func query(
        _ text: String, _ type: UInt16 = RecordType.address, id: Int = 0x1234, flags: Int = 0x0100,
        recordClass: Int = 1, edns: (size: Int, version: UInt8)? = nil
    ) -> [UInt8] {
        let tail = edns.map { [0] + big(41) + big($0.size) + [0, $0.version, 0, 0] + big(0) } ?? []
        return big(id) + big(flags) + big(1) + big(0) + big(0) + big(edns == nil ? 0 : 1) + name(text)
            + big(Int(type)) + big(recordClass) + tail
    }

    static func read(_ message: [UInt8]) -> Query? {
        if case .query(let query) = Query.read(message) { query } else { nil }
    }

    /// The records of an answer that uses no compression but the pointer to its question: type and data.
    static func records(_ answer: [UInt8]) -> [(type: UInt16, data: [UInt8])] {
        guard let header = MessageHeader(answer) else { return [] }
        var offset = MessageHeader.size
        for _ in 0..<header.questions {
            guard DomainName.read(answer, at: &offset) != nil else { return [] }
            offset += 4
        }
        var result: [(type: UInt16, data: [UInt8])] = []
        for _ in 0..<(header.answers + header.authorities + header.additionals) {
            guard DomainName.read(answer, at: &offset) != nil, offset + 10 <= answer.count else { return [] }
            let length = Int(answer[offset + 8]) << 8 | Int(answer[offset + 9])
            let end = offset + 10 + length
            guard end <= answer.count else { return [] }
            result.append(
                (UInt16(answer[offset]) << 8 | UInt16(answer[offset + 1]), Array(answer[offset + 10..<end])))
            offset = end
        }
        return result
    }
}

/// The same numbers in every run (SplitMix64).
struct FixedRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}
