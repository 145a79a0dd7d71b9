import JSONCodec
package import OCIModel

extension Repository {
    /// All tags, in the registry's order.
    package func tags() throws -> [String] {
        var tags: [String] = []
        try pages("tags/list", scopes: pull) { value in
            tags += value["tags"]?.arrayValue?.compactMap(\.stringValue) ?? []
        }
        return tags
    }

    /// The manifests that refer to another one as their subject: signatures, lists of parts (distribution
    /// specification, "Listing Referrers"), by the tag schema where the registry has no such list.
    package func referrers(of digest: Digest) throws -> [ContentDescriptor] {
        try reading { endpoint in
            try retrying(agent) {
                let answer = try endpoint.send(scopes: pull) {
                    HTTPRequest("GET", address($0, "referrers/\(digest)"))
                }
                let body = try answer.readAll(limit: Self.manifestLimit, "the referrers of \(digest)")
                if answer.status == 200 { return try Self.index(body).manifests }
                guard answer.status == 404 else {
                    throw RegistryAnswerError.failure(answer, what: "referrers of \(digest)")
                }
                return try referrersByTag(digest)
            }
        }
    }

    private func referrersByTag(_ digest: Digest) throws -> [ContentDescriptor] {
        do {
            let tag = "\(digest.algorithm.rawValue)-\(digest.hex)"
            return try Self.index(try manifest(.tag(tag)).bytes).manifests
        } catch let error as RegistryError where error.code == .notFound {
            return []
        }
    }

    private static func index(_ bytes: [UInt8]) throws -> ImageIndex {
        do {
            return try JSONValue(parsing: bytes).decode()
        } catch {
            throw RegistryError(.invalidAnswer, "the registry sent an index that is none", cause: error)
        }
    }

    /// Bytes of all pages of a list.
    private static var listLimit: Int { 64 << 20 }

    /// Follows `Link` fields (RFC 8288) through a list in pages.
    private func pages(
        _ rest: String, scopes: Set<RegistryScope>, _ take: (JSONValue) throws -> Void
    ) throws {
        var next: WebAddress?
        var bytes = 0
        for _ in 0..<10_000 {
            let answer = try retrying(agent) {
                try origin.send(scopes: scopes) { HTTPRequest("GET", next ?? address($0, rest)) }
            }
            guard answer.status == 200 else { throw RegistryAnswerError.failure(answer, what: rest) }
            let body = try answer.readAll(limit: 16 << 20, rest)
            bytes += body.count
            guard bytes <= Self.listLimit else {
                throw RegistryError(
                    .invalidAnswer, "the registry's list of \(rest) has more than \(Self.listLimit >> 20) MiB"
                )
            }
            guard let value = try? JSONValue(parsing: body) else {
                throw RegistryError(.invalidAnswer, "the registry sent a list that is none")
            }
            try take(value)
            next = answer.nextPage
            if next == nil { return }
        }
    }
}

extension HTTPAnswer {
    /// Where a list in pages goes on (RFC 8288); nil at its end.
    var nextPage: WebAddress? {
        guard let link = head["link"], link.contains("rel=\"next\""), let start = link.firstIndex(of: "<"),
            let end = link.firstIndex(of: ">"), start < end
        else { return nil }
        return address.resolving(String(link[link.index(after: start)..<end]))
    }
}
