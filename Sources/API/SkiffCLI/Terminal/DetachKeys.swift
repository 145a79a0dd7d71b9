/// Finds the key sequence that detaches in what is typed. Keys that may be its beginning are held back until the next
/// one decides.
struct DetachKeys {
    private let sequence: [UInt8]
    private var matched = 0

    static let standard = DetachKeys(sequence: [16, 17])

    private init(sequence: [UInt8]) { self.sequence = sequence }

    /// Parses `ctrl-p,ctrl-q`, `ctrl-@`, `a,b`; nil where the text is no such list.
    init?(parsing text: String) {
        var sequence: [UInt8] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            if name.utf8.count == 1, let byte = name.utf8.first {
                sequence.append(byte)
                continue
            }
            guard name.hasPrefix("ctrl-"), name.utf8.count == 6, let key = name.utf8.last else { return nil }
            switch key {
            case UInt8(ascii: "@"): sequence.append(0)
            case 0x61...0x7A: sequence.append(key - 0x60)
            case 0x5B...0x5F: sequence.append(key - 0x40)
            default: return nil
            }
        }
        if sequence.isEmpty { return nil }
        self.sequence = sequence
    }

    /// - Returns: the bytes to pass on, and whether the sequence was completed; what follows it is dropped
    mutating func filter(_ bytes: some Sequence<UInt8>) -> (passed: [UInt8], detached: Bool) {
        var passed: [UInt8] = []
        for byte in bytes {
            if byte == sequence[matched] {
                matched += 1
                if matched == sequence.count { return (passed, true) }
                continue
            }
            passed += sequence[..<matched]
            matched = 0
            if byte == sequence[0] { matched = 1 } else { passed.append(byte) }
            if matched == sequence.count { return (passed, true) }
        }
        return (passed, false)
    }
}
