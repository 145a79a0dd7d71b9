/// What a compressor writes for the bytes at a place: a repetition of earlier ones, or, with length 1, the byte itself.
struct Match: Equatable {
    let length: Int
    let distance: Int

    init(_ length: Int, _ distance: Int) { (self.length, self.distance) = (length, distance) }

    static let literal = Match(1, 0)
    static let longest = 258
}

/// How a compressor looks for repetitions. Nearly all of them follow zlib's or Go's algorithm at one of their levels.
struct MatchStyle {
    /// Bytes of the shortest repetition; as many are hashed.
    let minimum: Int
    let maximalDistance: Int
    /// From this length on a later, longer one is looked for with a quarter of the steps; 0 for never.
    let good: Int
    /// Up to this length the next place is tried for a longer one; 0 for never.
    let lazy: Int
    /// Enough to stop looking.
    let nice: Int
    /// How many earlier places are compared.
    let chain: Int
    /// Whether the very first byte is never repeated.
    let skipsStart: Bool
    /// Places within a longer repetition than this are not repeated themselves.
    let insertLimit: Int
    /// How far the shortest repetition may lie back.
    let shortDistance: Int

    private static func zlib(_ good: Int, _ lazy: Int, _ nice: Int, _ chain: Int) -> MatchStyle {
        MatchStyle(
            minimum: 3, maximalDistance: 32768 - 262, good: good, lazy: lazy, nice: nice, chain: chain,
            skipsStart: true, insertLimit: Match.longest, shortDistance: 4096)
    }

    /// zlib's levels that never wait for a longer repetition.
    private static func fast(_ insertLimit: Int, _ nice: Int, _ chain: Int) -> MatchStyle {
        MatchStyle(
            minimum: 3, maximalDistance: 32768 - 262, good: 0, lazy: 0, nice: nice, chain: chain,
            skipsStart: true, insertLimit: insertLimit, shortDistance: 32768)
    }

    private static func go(_ lazy: Int, _ nice: Int, _ chain: Int) -> MatchStyle {
        MatchStyle(
            minimum: 4, maximalDistance: 32768, good: 0, lazy: lazy, nice: nice, chain: chain,
            skipsStart: false,
            insertLimit: Match.longest, shortDistance: 4096)
    }

    /// The position in this list is part of the format of forms: add at the end only.
    static let all = [
        go(16, 128, 128), zlib(8, 16, 128, 128), zlib(32, 258, 258, 4096), go(258, 258, 4096), go(0, 258, 1),
        fast(4, 8, 4), fast(5, 16, 8), fast(6, 32, 32), zlib(4, 4, 16, 16), zlib(8, 16, 32, 32),
        zlib(8, 32, 128, 256), zlib(32, 128, 258, 1024), go(0, 16, 8), go(0, 32, 32), go(4, 16, 16),
        go(16, 32, 32), go(32, 128, 256), go(128, 258, 1024),
    ]
}

/// Says what a compressor of some style would write next. It need not always be right, only always say the same.
final class MatchPredictor {
    private let style: MatchStyle
    private let window: PlainWindow
    /// By hash: the last place, plus one.
    private let heads: UnsafeMutablePointer<Int>
    /// By place: the place before with the same hash, plus one.
    private let chain: UnsafeMutablePointer<Int>
    private var inserted: Int
    /// What was found at a place while looking whether it pays to wait for it.
    private var deferred: (position: Int, match: Match) = (-1, .literal)

    private static let hashBits: UInt32 = 17
    private static let mask = 32767

    init(_ style: MatchStyle, _ window: PlainWindow) {
        self.style = style
        self.window = window
        inserted = 0
        heads = .allocate(capacity: 1 << Int(Self.hashBits))
        heads.initialize(repeating: 0, count: 1 << Int(Self.hashBits))
        chain = .allocate(capacity: Self.mask + 1)
        chain.initialize(repeating: 0, count: Self.mask + 1)
    }

    deinit {
        heads.deallocate()
        chain.deallocate()
    }

    /// Places have to be asked for in rising order.
    func predict(at position: Int) -> Match {
        let here: Match
        if deferred.position == position {
            here = deferred.match
        } else {
            insert(through: position)
            here = search(position, longerThan: style.minimum - 1)
        }
        guard here.length >= style.minimum else { return .literal }
        guard here.length < style.lazy else { return here }
        insert(through: position + 1)
        let next = search(position + 1, longerThan: here.length)
        guard next.length > here.length else { return here }
        deferred = (position + 1, next)
        return .literal
    }

    /// Has to be told what really came at a place, after `predict`.
    func accept(_ match: Match, at position: Int) {
        guard match.length > style.insertLimit else { return }
        insert(through: position)
        inserted = max(inserted, position + match.length)
    }

    private func insert(through position: Int) {
        let last = min(position, window.end - style.minimum)
        // After bytes that are stored as they are; farther back nothing is repeated.
        inserted = max(inserted, position - Self.mask - 1)
        while inserted <= last {
            let hash = hash(inserted)
            chain[inserted & Self.mask] = heads[hash]
            heads[hash] = inserted + 1
            inserted += 1
        }
    }

    /// As zlib and Go hash, because every place with the same hash counts as a step.
    private func hash(_ position: Int) -> Int {
        let bytes = window.bytes + (position - window.origin)
        let (first, second, third) = (UInt32(bytes[0]), UInt32(bytes[1]), UInt32(bytes[2]))
        if style.minimum == 3 { return Int((first << 10 ^ second << 5 ^ third) & 0x7FFF) }
        let word = first << 24 | second << 16 | third << 8 | UInt32(bytes[3])
        return Int((word &* 0x1E35_A7BD) >> (32 - Self.hashBits))
    }

    private func search(_ position: Int, longerThan least: Int) -> Match {
        let room = min(Match.longest, window.end - position)
        guard room > least, room >= style.minimum, position < inserted else { return .literal }
        var steps = style.good > 0 && least >= style.good ? style.chain >> 2 : style.chain
        let nice = min(style.nice, room)
        let first = max(position - style.maximalDistance, style.skipsStart ? 1 : 0, window.origin)
        let here = window.bytes + (position - window.origin)
        var (length, distance) = (least, 0)
        var candidate = chain[position & Self.mask] - 1
        while candidate >= first, steps > 0 {
            let there = window.bytes + (candidate - window.origin)
            if there[length] == here[length], there[0] == here[0] {
                var count = 0
                while count < room, there[count] == here[count] { count += 1 }
                let isTooFar = count == style.minimum && position - candidate > style.shortDistance
                if count > length, !isTooFar {
                    (length, distance) = (count, position - candidate)
                    if count >= nice || count >= room { break }
                }
            }
            let next = chain[candidate & Self.mask] - 1
            guard next < candidate else { break }
            candidate = next
            steps -= 1
        }
        return distance == 0 ? .literal : Match(length, distance)
    }
}

/// The plain bytes around the place where a compressor is: those that it can repeat, and those that it looks ahead.
final class PlainWindow {
    let bytes: UnsafeMutablePointer<UInt8>
    /// The place of the first byte, and behind the last one.
    private(set) var origin = 0
    private(set) var end = 0
    private static let capacity = 1 << 20
    private static let past = 64 << 10
    /// How far ahead of a place bytes have to be known before it is predicted, unless there are no more.
    static let lookahead = 1024

    init() { bytes = .allocate(capacity: Self.capacity) }

    deinit { bytes.deallocate() }

    /// Room for more bytes.
    var space: Int { Self.capacity - (end - origin) }

    /// Forgets what lies too far before a place to be repeated there.
    func forget(before position: Int) {
        let kept = max(origin, position - Self.past)
        guard kept - origin > Self.capacity / 2 else { return }
        bytes.update(from: bytes + (kept - origin), count: end - kept)
        origin = kept
    }

    func append(_ byte: UInt8) {
        bytes[end - origin] = byte
        end += 1
    }

    func append(_ piece: UnsafeRawBufferPointer) {
        guard let base = piece.bindMemory(to: UInt8.self).baseAddress else { return }
        (bytes + (end - origin)).update(from: base, count: piece.count)
        end += piece.count
    }

    /// Repeats earlier bytes, which may overlap with the new ones.
    func append(_ match: Match) throws {
        guard match.distance <= end - origin else { throw DeflateError.damaged }
        var target = bytes + (end - origin)
        for _ in 0..<match.length {
            target[0] = (target - match.distance)[0]
            target += 1
        }
        end += match.length
    }

    subscript(position: Int) -> UInt8 { bytes[position - origin] }
}
