/// A prefix code of deflate, for reading and writing (RFC 1951, section 3.2.2).
struct HuffmanCode {
    /// By the next `width` bits: symbol and its length, 4 bits; 0 for bits that are no code.
    private var table: [UInt16]
    private let width: Int
    /// By symbol: its bits, first bit lowest, and their number.
    private var codes: [UInt16]
    private let lengths: [UInt8]

    /// - Parameter lengths: number of bits by symbol, 0 for none, at most 15
    init(_ lengths: [UInt8]) throws {
        self.lengths = lengths
        width = max(1, Int(lengths.max() ?? 0))
        table = [UInt16](repeating: 0, count: 1 << width)
        codes = [UInt16](repeating: 0, count: lengths.count)
        var counts = [Int](repeating: 0, count: 17)
        for length in lengths where length > 0 { counts[Int(length)] += 1 }
        var nextCode = [Int](repeating: 0, count: 17)
        var code = 0
        for length in 1...16 {
            code = (code + (length > 1 ? counts[length - 1] : 0)) << 1
            nextCode[length] = code
        }
        for (symbol, length) in lengths.enumerated() where length > 0 {
            let length = Int(length)
            let code = nextCode[length]
            nextCode[length] += 1
            guard code < 1 << length else { throw DeflateError.damaged }
            var reversed = 0
            for bit in 0..<length where code & 1 << bit != 0 { reversed |= 1 << (length - 1 - bit) }
            codes[symbol] = UInt16(reversed)
            let entry = UInt16(symbol << 4 | length)
            for index in stride(from: reversed, to: table.count, by: 1 << length) { table[index] = entry }
        }
    }

    func read(_ reader: inout BitReader) throws -> Int {
        let entry = Int(table[Int(reader.peek() & UInt64(table.count - 1))])
        guard entry != 0 else { throw DeflateError.damaged }
        try reader.drop(entry & 15)
        return entry >> 4
    }

    func write(_ symbol: Int, _ writer: inout BitWriter) throws {
        guard symbol < lengths.count, lengths[symbol] > 0 else { throw DeflateError.damaged }
        writer.put(Int(codes[symbol]), Int(lengths[symbol]))
    }
}

/// The two codes of a block, and what their symbols stand for (RFC 1951, section 3.2.5).
struct BlockCodes {
    private let literals: HuffmanCode
    private let distances: HuffmanCode

    static let endOfBlock = 256
    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195,
        227, 258,
    ]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
        4097, 6145, 8193, 12289, 16385, 24577,
    ]
    /// The symbol for a length, by length.
    private static let lengthSymbols: [Int] = (0...258).map { length in
        lengthBases.lastIndex { $0 <= length } ?? 0
    }

    /// The codes of blocks that bring none.
    init() throws {
        let lengths = (0..<288).map { UInt8($0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8) }
        literals = try HuffmanCode(lengths)
        distances = try HuffmanCode([UInt8](repeating: 5, count: 30))
    }

    /// Reads the codes of a block that brings its own (section 3.2.7).
    init(_ reader: inout BitReader) throws {
        let literalCount = try reader.take(5) + 257
        let distanceCount = try reader.take(5) + 1
        var helpers = [UInt8](repeating: 0, count: 19)
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        for index in 0..<(try reader.take(4) + 4) { helpers[order[index]] = UInt8(try reader.take(3)) }
        let helper = try HuffmanCode(helpers)
        var lengths: [UInt8] = []
        while lengths.count < literalCount + distanceCount {
            let symbol = try helper.read(&reader)
            switch symbol {
            case 0...15: lengths.append(UInt8(symbol))
            case 16:
                guard let last = lengths.last else { throw DeflateError.damaged }
                lengths += [UInt8](repeating: last, count: try reader.take(2) + 3)
            case 17: lengths += [UInt8](repeating: 0, count: try reader.take(3) + 3)
            default: lengths += [UInt8](repeating: 0, count: try reader.take(7) + 11)
            }
        }
        guard lengths.count == literalCount + distanceCount else { throw DeflateError.damaged }
        literals = try HuffmanCode(Array(lengths[..<literalCount]))
        distances = try HuffmanCode(Array(lengths[literalCount...]))
    }

    /// A literal's byte or the end of the block as such, below or at 256; else a match.
    enum Symbol {
        case literal(UInt8)
        case match(Match)
        case end
    }

    func read(_ reader: inout BitReader) throws -> Symbol {
        let symbol = try literals.read(&reader)
        if symbol < Self.endOfBlock { return .literal(UInt8(symbol)) }
        if symbol == Self.endOfBlock { return .end }
        let index = symbol - 257
        guard index < Self.lengthBases.count else { throw DeflateError.damaged }
        let length = Self.lengthBases[index] + (try reader.take(Self.lengthBits[index]))
        let distance = try distances.read(&reader)
        guard distance < Self.distanceBases.count else { throw DeflateError.damaged }
        let bits = distance < 4 ? 0 : distance / 2 - 1
        return .match(Match(length, Self.distanceBases[distance] + (try reader.take(bits))))
    }

    func write(literal: UInt8, _ writer: inout BitWriter) throws { try literals.write(Int(literal), &writer) }

    func writeEnd(_ writer: inout BitWriter) throws { try literals.write(Self.endOfBlock, &writer) }

    func write(_ match: Match, _ writer: inout BitWriter) throws {
        guard (3...258).contains(match.length), (1...32768).contains(match.distance) else {
            throw DeflateError.damaged
        }
        let index = Self.lengthSymbols[match.length]
        try literals.write(257 + index, &writer)
        writer.put(match.length - Self.lengthBases[index], Self.lengthBits[index])
        let value = match.distance - 1
        let high = value < 4 ? 0 : Int.bitWidth - 1 - value.leadingZeroBitCount
        let symbol = value < 4 ? value : 2 * high + (value >> (high - 1) & 1)
        try distances.write(symbol, &writer)
        writer.put(match.distance - Self.distanceBases[symbol], value < 4 ? 0 : high - 1)
    }
}
