/// The digest of some content: algorithm and lower-case hexadecimal value (image-spec descriptor.md, "Digests").
package struct Digest: Sendable, Hashable {
    package enum Algorithm: String, Sendable, Hashable, CaseIterable {
        case sha256, sha384, sha512

        /// Length of the value in hexadecimal digits.
        package var hexLength: Int {
            switch self {
            case .sha256: 64
            case .sha384: 96
            case .sha512: 128
            }
        }
    }

    package let algorithm: Algorithm
    /// The value in lower-case hexadecimal, without the algorithm.
    package let hex: String

    /// - Returns: nil where `hex` has not the algorithm's length or is not lower-case hexadecimal
    package init?(algorithm: Algorithm = .sha256, hex: some StringProtocol) {
        guard hex.utf8.count == algorithm.hexLength, hex.utf8.allSatisfy(Self.isHexadecimal) else {
            return nil
        }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    /// Parses `algorithm:hex`.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let algorithm = Algorithm(rawValue: String(text[..<colon]))
        else { return nil }
        self.init(algorithm: algorithm, hex: text[text.utf8.index(after: colon)...])
    }

    /// A SHA-256 digest from its 32 bytes.
    package init(sha256 bytes: some Sequence<UInt8>) {
        let digits: StaticString = "0123456789abcdef"
        var hex: [UInt8] = []
        hex.reserveCapacity(64)
        for byte in bytes {
            hex.append(digits.utf8Start[Int(byte >> 4)])
            hex.append(digits.utf8Start[Int(byte & 15)])
        }
        algorithm = .sha256
        self.hex = String(decoding: hex, as: UTF8.self)
    }

    /// The first twelve digits, as Docker shows ids.
    package var short: String { String(hex.prefix(12)) }

    /// Whether the byte is a digit of a digest: lower-case hexadecimal.
    package static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}

extension Digest: CustomStringConvertible {
    package var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "invalid digest \"\(text)\"")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
