/// Why a text is no image reference. The messages are Docker's, which tools compare.
package struct ReferenceError: CategorizedError, Equatable {
    package enum Code: Sendable, Equatable {
        case invalidFormat, invalidTag, invalidDigest, upperCase, empty, tooLong, identifier
    }

    package let code: Code
    package let message: String

    package var category: ErrorCategory { .invalidArgument }
}

/// The name of an image in a repository, normalized as Docker does: `busybox` is `docker.io/library/busybox`.
///
/// The grammar is that of the distribution project: `[domain/]path[:tag][@digest]`.
package struct Reference: Sendable, Hashable {
    /// Host, with port where one was given: `docker.io`, `localhost:5000`, `[2001:db8::1]:443`.
    package let domain: String
    /// Path of the repository: `library/busybox`.
    package let path: String
    package let tag: String?
    package let digest: Digest?

    package static let defaultDomain = "docker.io"
    package static let defaultTag = "latest"
    /// Longest permitted `domain/path`, in bytes.
    package static let nameLimit = 255

    package init(domain: String, path: String, tag: String?, digest: Digest?) {
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    /// `docker.io/library/busybox`.
    package var name: String { "\(domain)/\(path)" }

    /// The repository as people write it: `busybox`, `user/app`, `localhost:5000/app`.
    package var familiarName: String {
        guard domain == Self.defaultDomain else { return name }
        let official = "library/"
        if path.hasPrefix(official), !path.dropFirst(official.count).contains("/") {
            return String(path.dropFirst(official.count))
        }
        // A first component that looks like a host would be read as one.
        let first = path.prefix { $0 != "/" }
        return first.contains(".") || first == "localhost" ? name : path
    }

    /// Name, tag and digest as people write them: `busybox:latest`.
    package var familiar: String { familiarName + suffix }

    private var suffix: String {
        (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    package var isNameOnly: Bool { tag == nil && digest == nil }

    /// With tag `latest` where neither tag nor digest was given.
    package var withDefaultTag: Reference { isNameOnly ? with(tag: Self.defaultTag) : self }

    /// The same repository with another tag and no digest; the tag has to be a valid one (`isTag`).
    package func with(tag: String) -> Reference {
        Reference(domain: domain, path: path, tag: tag, digest: nil)
    }

    /// The same repository with a digest and no tag.
    package func with(digest: Digest) -> Reference {
        Reference(domain: domain, path: path, tag: nil, digest: digest)
    }
}

extension Reference: CustomStringConvertible {
    /// The whole form: `docker.io/library/busybox:latest`.
    package var description: String { name + suffix }
}

extension Reference: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            self = try Reference(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.message)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// What a user may name an image by.
package enum ImageName: Sendable, Hashable {
    /// 64 hexadecimal digits, or `sha256:` and those.
    case id(Digest)
    case reference(Reference)

    /// Parses what `docker inspect`, `run` and `rmi` accept.
    /// - Throws: `ReferenceError` with Docker's message
    package init(_ text: String) throws(ReferenceError) {
        if let digest = Digest(hex: text) ?? Digest(text) {
            self = .id(digest)
        } else {
            self = .reference(try Reference(text))
        }
    }
}
