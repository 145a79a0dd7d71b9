import OCIModel

/// Compresses an archive as its form says, to the bytes that it once came in.
final class GzipRebuilder: LayerCompressor {
    private let form: GzipForm
    private var reader: DescriptionReader
    private let window = PlainWindow()
    private let predictor: MatchPredictor
    private var writer = BitWriter()
    private var output: [UInt8] = []
    private var taken = 0
    private var position = 0
    private var stage = Stage.block
    private var codes: BlockCodes?
    private var isLastBlock = false
    private(set) var isFinished = false

    private enum Stage {
        case block
        /// So many bytes as they are, each through the writer.
        case stored(left: Int)
        /// So many tokens as predicted.
        case run(left: Int)
        case trailer
    }

    private static let outputSize = 64 << 10

    init(_ form: GzipForm) throws {
        self.form = form
        reader = DescriptionReader(form.description)
        let style = Int(try reader.byte())
        guard style < MatchStyle.all.count else { throw DescriptionReader.damaged }
        predictor = MatchPredictor(MatchStyle.all[style], window)
        output = try reader.bytes(try reader.number())
    }

    func compress(
        _ input: inout UnsafeRawBufferPointer, isLast: Bool, into target: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        if taken == output.count {
            output.removeAll(keepingCapacity: true)
            taken = 0
            window.forget(before: position)
            let count = min(window.space, input.count)
            window.append(UnsafeRawBufferPointer(rebasing: input[..<count]))
            input = UnsafeRawBufferPointer(rebasing: input[count...])
            do {
                try produce(isComplete: isLast && input.isEmpty)
            } catch is DeflateError {
                throw DescriptionReader.damaged
            }
        }
        let count = min(target.count, output.count - taken)
        output[taken..<taken + count].withUnsafeBytes { target.copyMemory(from: $0) }
        taken += count
        if case .trailer = stage, taken == output.count { isFinished = true }
        return count
    }

    /// As long as bytes are known and there is room.
    private func produce(isComplete: Bool) throws {
        while output.count < Self.outputSize {
            guard isComplete || position + PlainWindow.lookahead <= window.end else { break }
            switch stage {
            case .block:
                if isLastBlock { try finish() } else { try beginBlock() }
            case .stored(let left): try copy(left)
            case .run(let left): try token(left)
            case .trailer:
                output += writer.takeBytes()
                return
            }
            if writer.bytes.count >= 4096 { output += writer.takeBytes() }
        }
        output += writer.takeBytes()
    }

    private func beginBlock() throws {
        let head = Int(try reader.byte())
        isLastBlock = head & GzipForm.Mark.last != 0
        let kind = head & 3
        writer.put(isLastBlock ? 1 : 0, 1)
        writer.put(kind, 2)
        switch kind {
        case GzipForm.Mark.stored:
            writer.put(try reader.number(), writer.missing)
            let count = try reader.number()
            writer.put(count, 16)
            writer.put(~count & 0xFFFF, 16)
            stage = .stored(left: count)
        case GzipForm.Mark.fixed:
            codes = try BlockCodes()
            stage = .run(left: try reader.number())
        default:
            let width = try reader.number()
            let bits = try reader.bytes((width + 7) / 8)
            for (index, byte) in bits.enumerated() { writer.put(Int(byte), min(8, width - index * 8)) }
            codes = try bits.withUnsafeBytes { bits in
                var reader = BitReader(bits)
                return try BlockCodes(&reader)
            }
            stage = .run(left: try reader.number())
        }
    }

    private func copy(_ left: Int) throws {
        guard left > 0 else {
            stage = .block
            return
        }
        let count = min(left, window.end - position, 4096)
        guard count > 0 else { throw DescriptionReader.damaged }
        for _ in 0..<count {
            writer.put(Int(window[position]), 8)
            position += 1
        }
        stage = .stored(left: left - count)
    }

    private func token(_ left: Int) throws {
        guard let codes else { throw DescriptionReader.damaged }
        if left > 0 {
            try write(predictor.predict(at: position), codes)
            stage = .run(left: left - 1)
            return
        }
        let mark = try reader.number()
        if mark == GzipForm.Mark.blockEnd {
            try codes.writeEnd(&writer)
            stage = .block
            return
        }
        // The predictor has to see every place that it was asked for before.
        _ = predictor.predict(at: position)
        try write(mark == GzipForm.Mark.literal ? .literal : Match(mark, try reader.number()), codes)
        stage = .run(left: try reader.number())
    }

    private func write(_ match: Match, _ codes: BlockCodes) throws {
        guard position + match.length <= window.end else { throw DescriptionReader.damaged }
        if match.length == 1 {
            try codes.write(literal: window[position], &writer)
        } else {
            try codes.write(match, &writer)
        }
        predictor.accept(match, at: position)
        position += match.length
    }

    private func finish() throws {
        writer.put(try reader.number(), writer.missing)
        output += writer.takeBytes()
        output += try reader.bytes(try reader.number())
        guard reader.isAtEnd else { throw DescriptionReader.damaged }
        stage = .trailer
    }
}

/// Reads a description.
struct DescriptionReader {
    private let content: [UInt8]
    private var next = 0

    static let damaged = ImageError(
        .corruptedStore, "the description of a layer's compressed form is damaged")

    init(_ content: [UInt8]) { self.content = content }

    var isAtEnd: Bool { next == content.count }

    mutating func byte() throws -> UInt8 {
        guard next < content.count else { throw Self.damaged }
        defer { next += 1 }
        return content[next]
    }

    mutating func number() throws -> Int {
        var result = 0
        for shift in stride(from: 0, to: 56, by: 7) {
            let byte = Int(try byte())
            result |= (byte & 0x7F) << shift
            if byte < 0x80 { return result }
        }
        throw Self.damaged
    }

    mutating func bytes(_ count: Int) throws -> [UInt8] {
        guard count <= content.count - next else { throw Self.damaged }
        defer { next += count }
        return Array(content[next..<next + count])
    }
}
