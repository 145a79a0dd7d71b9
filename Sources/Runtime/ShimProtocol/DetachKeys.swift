/// The key sequence that detaches a client from a terminal.
package enum DetachKeys {
    /// ctrl-p,ctrl-q
    package static let standard: [UInt8] = [0x10, 0x11]

    /// The bytes of a sequence as Docker writes it: keys separated by commas, each a single character or `ctrl-` and one
    /// of `a`–`z`, `@`, `[`, `\`, `]`, `^`, `_`. An empty text is no sequence at all.
    /// - Throws: `ShimError.invalidValue`
    package static func parse(_ text: String) throws(ShimError) -> [UInt8] {
        if text.isEmpty { return [] }
        var keys: [UInt8] = []
        for key in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let bytes = Array(key)
            if bytes.count == 1, let byte = bytes.first {
                keys.append(byte)
            } else if bytes.count == 6, bytes.starts(with: "ctrl-".utf8), let byte = control(bytes[5]) {
                keys.append(byte)
            } else {
                let name = String(decoding: bytes, as: UTF8.self)
                throw ShimError(.invalidValue, "Unknown character: '\(name)'")
            }
        }
        return keys
    }

    private static func control(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 1
        case UInt8(ascii: "@"): 0
        case UInt8(ascii: "[")...UInt8(ascii: "_"): byte - UInt8(ascii: "[") + 27
        default: nil
        }
    }
}

/// Looks for the detach keys in a client's input. What looks like the beginning of the sequence is held back, and
/// forwarded when it turns out to be something else.
package struct DetachKeyMatcher: Sendable {
    private let keys: [UInt8]
    private var matched = 0

    package init(_ keys: [UInt8]) { self.keys = keys }

    /// - Returns: the bytes to forward; `detached` where the sequence is complete (what follows it is dropped)
    package mutating func feed(_ input: some Sequence<UInt8>) -> (forward: [UInt8], detached: Bool) {
        guard !keys.isEmpty else { return (Array(input), false) }
        var forward: [UInt8] = []
        for byte in input {
            if byte == keys[matched] {
                matched += 1
                if matched == keys.count {
                    matched = 0
                    return (forward, true)
                }
                continue
            }
            mismatch(byte, &forward)
        }
        return (forward, false)
    }

    /// Bytes held back, which go on their way when the input ends.
    package mutating func flush() -> [UInt8] {
        defer { matched = 0 }
        return Array(keys[..<matched])
    }

    /// Forwards what cannot begin the sequence any more and keeps the longest rest that still can.
    private mutating func mismatch(_ byte: UInt8, _ forward: inout [UInt8]) {
        let held = Array(keys[..<matched]) + [byte]
        for start in 1...held.count {
            let rest = held[start...]
            if keys.starts(with: rest) {
                forward.append(contentsOf: held[..<start])
                matched = rest.count
                return
            }
        }
    }
}
