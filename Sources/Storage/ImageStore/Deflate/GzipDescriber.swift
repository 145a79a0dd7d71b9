/// Describes a gzip file: what a compressor did, beside what `MatchPredictor` expects of it.
struct GzipDescriber {
    private let blob: UnsafeRawBufferPointer
    private var reader: BitReader
    private let window = PlainWindow()
    private let predictor: MatchPredictor
    private var description: [UInt8] = []
    /// What was read and not yet compared, because bytes ahead of it were missing.
    private var queue: [Event] = []
    private var position = 0
    /// Right predictions since the last wrong one.
    private var right = 0
    private(set) var wrong = 0
    /// Where the description stops; nil for the stream's end.
    private let sample: Int?
    private let isCancelled: () -> Bool

    private enum Event {
        case literal
        case match(Match)
        case block([UInt8])
        case stored(Int)
        case end
    }

    /// Bytes of the plain archive by which the style is chosen.
    private static let sampleSize = 32 << 10

    /// - Throws: `DeflateError` where the blob is of a kind that is not described
    static func describe(
        _ blob: UnsafeRawBufferPointer, isCancelled: @escaping () -> Bool
    ) throws -> [UInt8] {
        var best: (wrong: Int, style: Int)?
        // Compressors that took their time say so in the head (RFC 1952, XFL); nobody else looked that far.
        let isThorough = blob.count > 8 && blob[8] == 2
        for style in MatchStyle.all.indices where isThorough || MatchStyle.all[style].chain <= 256 {
            var trial = try GzipDescriber(blob, style, sampleSize, isCancelled)
            do {
                try trial.read()
            } catch DeflateError.notWorthIt {
                continue
            }
            if trial.wrong < best?.wrong ?? .max { best = (trial.wrong, style) }
            if trial.wrong < sampleSize / 512 { break }
        }
        guard let best else { throw DeflateError.notWorthIt }
        var whole = try GzipDescriber(blob, best.style, nil, isCancelled)
        try whole.read()
        return whole.description
    }

    private init(
        _ blob: UnsafeRawBufferPointer, _ style: Int, _ sample: Int?, _ isCancelled: @escaping () -> Bool
    ) throws {
        self.blob = blob
        self.isCancelled = isCancelled
        self.sample = sample
        let head = try Self.headSize(blob)
        reader = BitReader(blob, from: head)
        predictor = MatchPredictor(MatchStyle.all[style], window)
        description.append(UInt8(style))
        put(head)
        description += blob[..<head]
    }

    /// RFC 1952, section 2.3.
    private static func headSize(_ blob: UnsafeRawBufferPointer) throws -> Int {
        guard blob.count > 18, blob[0] == 0x1F, blob[1] == 0x8B, blob[2] == 8 else {
            throw DeflateError.damaged
        }
        let flags = blob[3]
        var position = 10
        if flags & 4 != 0 { position += 2 + Int(blob[10]) + Int(blob[11]) << 8 }
        for flag in [UInt8(8), 16] where flags & flag != 0 {
            while position < blob.count, blob[position] != 0 { position += 1 }
            position += 1
        }
        if flags & 2 != 0 { position += 2 }
        guard position + 8 < blob.count, position < 64 << 10 else { throw DeflateError.notWorthIt }
        return position
    }

    private mutating func put(_ number: Int) { description.append(number: number) }

    // MARK: - Reading

    private mutating func read() throws {
        var isLast = false
        while !isLast {
            isLast = try readBlock()
            if let sample, window.end >= sample { return try compare(isComplete: false) }
            if isCancelled() { throw ImageError(.cancelled, "the pull was cancelled") }
        }
        try compare(isComplete: true)
        let padding = try reader.align()
        put(padding)
        let rest = reader.position / 8
        guard blob.count - rest < 64 << 10 else { throw DeflateError.notWorthIt }
        put(blob.count - rest)
        description += blob[rest...]
    }

    private mutating func readBlock() throws -> Bool {
        let isLast = try reader.take(1) == 1
        let kind = try reader.take(2)
        var head = [UInt8(kind | (isLast ? GzipForm.Mark.last : 0))]
        let codes: BlockCodes
        switch kind {
        case GzipForm.Mark.stored:
            head.append(number: try reader.align())
            try readStored(head)
            return isLast
        case GzipForm.Mark.fixed: codes = try BlockCodes()
        case GzipForm.Mark.dynamic:
            let start = reader.position
            codes = try BlockCodes(&reader)
            head.append(number: reader.position - start)
            head += reader.copy(from: start, to: reader.position)
        default: throw DeflateError.damaged
        }
        queue.append(.block(head))
        while true {
            switch try codes.read(&reader) {
            case .literal(let byte):
                window.append(byte)
                queue.append(.literal)
            case .match(let match):
                try window.append(match)
                queue.append(.match(match))
            case .end:
                queue.append(.end)
                return isLast
            }
            if window.space < 2 * Match.longest {
                try compare(isComplete: false)
                window.forget(before: position)
            }
        }
    }

    private mutating func readStored(_ head: [UInt8]) throws {
        let count = try reader.take(16)
        guard try reader.take(16) == ~count & 0xFFFF else { throw DeflateError.damaged }
        queue.append(.block(head))
        queue.append(.stored(count))
        if window.space < count + Match.longest {
            try compare(isComplete: false)
            window.forget(before: position)
        }
        for _ in 0..<count { window.append(try reader.byte()) }
    }

    // MARK: - Comparing

    private mutating func compare(isComplete: Bool) throws {
        var index = 0
        while index < queue.count, isComplete || position + PlainWindow.lookahead <= window.end {
            compare(queue[index])
            index += 1
        }
        queue.removeFirst(index)
        guard description.count < min(GzipForm.limit, blob.count / 2 + 4096) else {
            throw DeflateError.notWorthIt
        }
    }

    private mutating func compare(_ event: Event) {
        switch event {
        case .block(let head): description += head
        case .stored(let count):
            put(count)
            position += count
        case .end:
            put(right)
            put(GzipForm.Mark.blockEnd)
            right = 0
        case .literal: compare(Match.literal)
        case .match(let match): compare(match)
        }
    }

    private mutating func compare(_ match: Match) {
        if predictor.predict(at: position) == match {
            right += 1
        } else {
            wrong += 1
            put(right)
            put(match.length)
            if match.length > 1 { put(match.distance) }
            right = 0
        }
        predictor.accept(match, at: position)
        position += match.length
    }
}

extension [UInt8] {
    /// Seven bits a byte, lowest first.
    mutating func append(number: Int) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(rest & 0x7F | 0x80))
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
