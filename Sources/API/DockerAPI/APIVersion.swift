/// A version of Docker's Engine API, such as 1.41.
package struct APIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// `1.41`; nil where the text is no version.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0
        else { return nil }
        self.init(major, minor)
    }

    /// The newest that is served, and that of paths without a version.
    package static let current = APIVersion(1, 51)
    /// The oldest that is served.
    package static let minimum = APIVersion(1, 24)

    package var description: String { "\(major).\(minor)" }

    package static func < (a: APIVersion, b: APIVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}

/// Why a request's version is not served, in the words that clients look for.
package enum APIVersionRefusal: Error, Equatable {
    case tooNew(String)
    case tooOld(String)

    package var message: String {
        switch self {
        case .tooNew(let text):
            "client version \(text) is too new. Maximum supported API version is \(APIVersion.current)"
        case .tooOld(let text):
            "client version \(text) is too old. Minimum supported API version is \(APIVersion.minimum), "
                + "please upgrade your client to a newer version"
        }
    }
}

extension APIVersion {
    /// Takes `/v1.41` off a path.
    /// - Returns: the version to answer with, and the path that is left
    /// - Throws: `APIVersionRefusal`
    package static func negotiate(path: String) throws(APIVersionRefusal) -> (APIVersion, Substring) {
        guard path.hasPrefix("/v"), let first = path.dropFirst(2).first, first.isASCII, first.isNumber else {
            return (.current, path[...])
        }
        let rest = path.dropFirst(2)
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        let text = rest[..<end]
        guard text.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E }) else {
            return (.current, path[...])
        }
        guard let version = APIVersion(text) else { throw .tooNew(String(text)) }
        if version > .current { throw .tooNew(String(text)) }
        if version < .minimum { throw .tooOld(String(text)) }
        return (version, rest[end...])
    }
}
