extension Reference {
    /// Parses and normalizes a reference as Docker's command line and API do.
    /// - Throws: `ReferenceError` with Docker's message
    package init(_ text: String) throws(ReferenceError) {
        if Digest(hex: text) != nil {
            throw ReferenceError(
                code: .identifier,
                message: "invalid repository name (\(text)), cannot specify 64-byte hexadecimal strings")
        }
        guard !text.isEmpty else {
            throw ReferenceError(code: .empty, message: "invalid reference format")
        }
        let split = Self.splitDomain(text)
        let bytes = Array(split.remainder.utf8)
        // The repository path ends at the first ':' or '@': neither occurs in one.
        let pathEnd = bytes.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "@") } ?? bytes.count
        let path = String(decoding: bytes[..<pathEnd], as: UTF8.self)
        if path.utf8.contains(where: { (0x41...0x5A).contains($0) }) {
            throw ReferenceError(
                code: .upperCase,
                message: "invalid reference format: repository name (\(path)) must be lowercase")
        }
        guard Self.isDomain(split.domain), Self.isPath(path) else { throw Self.invalidFormat }
        var position = pathEnd
        var tag: String?
        if position < bytes.count, bytes[position] == UInt8(ascii: ":") {
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "@")) ?? bytes.count
            let value = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
            guard Self.isTag(value) else { throw Self.invalidFormat }
            (tag, position) = (value, end)
        }
        var digest: Digest?
        if position < bytes.count {
            let value = String(decoding: bytes[(position + 1)...], as: UTF8.self)
            guard let parsed = Digest(value) else { throw Self.digestError(value) }
            digest = parsed
        }
        guard split.domain.utf8.count + 1 + path.utf8.count <= Self.nameLimit else {
            throw ReferenceError(
                code: .tooLong, message: "repository name must not be more than \(Self.nameLimit) characters")
        }
        self.init(domain: split.domain, path: path, tag: tag, digest: digest)
    }

    private static let invalidFormat = ReferenceError(
        code: .invalidFormat, message: "invalid reference format")

    /// What follows the '@' fits the grammar of digests but is none that anybody can check, or does not fit at all.
    private static func digestError(_ value: String) -> ReferenceError {
        let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].utf8.first, isLetter(first),
            parts[0].utf8.allSatisfy({ isLetter($0) || isDigit($0) || "+._-".utf8.contains($0) }),
            parts[1].utf8.count >= 32,
            parts[1].utf8.allSatisfy({ Digest.isHexadecimal($0 | 0x20) })
        else { return invalidFormat }
        guard let algorithm = Digest.Algorithm(rawValue: String(parts[0])) else {
            return ReferenceError(code: .invalidDigest, message: "unsupported digest algorithm")
        }
        let isLength = parts[1].utf8.count == algorithm.hexLength
        return ReferenceError(
            code: .invalidDigest, message: "invalid checksum digest \(isLength ? "format" : "length")")
    }

    /// The first component is a domain only where it looks like one: a dot, a colon, an upper-case letter, `localhost`.
    private static func splitDomain(_ text: String) -> (domain: String, remainder: String) {
        var domain = defaultDomain
        var remainder = text
        if let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) {
            let first = text[..<slash]
            let looksLikeHost = first.utf8.contains {
                $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || (0x41...0x5A).contains($0)
            }
            if looksLikeHost || first == "localhost" {
                domain = String(first)
                remainder = String(text[text.utf8.index(after: slash)...])
            }
        }
        if domain == "index.docker.io" { domain = defaultDomain }
        if domain == defaultDomain, !remainder.utf8.contains(UInt8(ascii: "/")) {
            remainder = "library/" + remainder
        }
        return (domain, remainder)
    }

    // MARK: - Grammar

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) && byte >= 0x41
    }

    /// `domain-component ['.' domain-component]* [':' port]`, or an IPv6 address in brackets.
    static func isDomain(_ text: String) -> Bool {
        var host = text[...]
        if host.utf8.first == UInt8(ascii: "[") {
            guard let end = host.utf8.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = host.utf8[host.utf8.index(after: host.startIndex)..<end]
            guard !address.isEmpty,
                address.allSatisfy({ $0 == UInt8(ascii: ":") || Digest.isHexadecimal($0 | 0x20) })
            else { return false }
            let rest = host[host.utf8.index(after: end)...]
            return rest.isEmpty || isPort(rest)
        }
        if let colon = host.utf8.firstIndex(of: UInt8(ascii: ":")) {
            guard isPort(host[colon...]) else { return false }
            host = host[..<colon]
        }
        return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            part in
            guard let first = part.first, let last = part.last else { return false }
            return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
                && part.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.utf8.count > 1 && text.utf8.first == UInt8(ascii: ":")
            && text.utf8.dropFirst().allSatisfy(isDigit)
    }

    /// `path-component ['/' path-component]*`: lower-case letters and digits, joined by `.`, `_`, `__` or dashes.
    static func isPath(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy { isPathComponent(Array($0)) }
    }

    private static func isPathComponent(_ bytes: [UInt8]) -> Bool {
        let isWord = { (byte: UInt8) in isDigit(byte) || (0x61...0x7A).contains(byte) }
        guard let first = bytes.first, let last = bytes.last, isWord(first), isWord(last) else {
            return false
        }
        var index = 0
        while index < bytes.count {
            let start = index
            while index < bytes.count, !isWord(bytes[index]) { index += 1 }
            if index > start {
                let separator = bytes[start..<index]
                let dashes = separator.allSatisfy { $0 == UInt8(ascii: "-") }
                guard
                    dashes || separator.elementsEqual(".".utf8) || separator.elementsEqual("_".utf8)
                        || separator.elementsEqual("__".utf8)
                else { return false }
            }
            index += 1
        }
        return true
    }

    /// `[\w][\w.-]{0,127}`.
    package static func isTag(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= 128 else { return false }
        let isWord = { (byte: UInt8) in isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") }
        return isWord(first)
            && bytes.dropFirst().allSatisfy {
                isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }
}
