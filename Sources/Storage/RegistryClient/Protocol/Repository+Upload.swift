package import OCIModel

/// How a blob came to be in the repository.
package enum BlobArrival: Sendable, Equatable {
    case existed
    /// Taken from another repository of the same registry.
    case mounted(from: String)
    case uploaded
}

extension Repository {
    /// Bytes of one piece of an upload that is continued.
    private static var pieceSize: Int64 { 16 << 20 }

    /// Asks the registry to take a blob from another of its repositories.
    /// - Parameter source: a path that holds it, such as `library/busybox`
    /// - Returns: whether it did; otherwise the blob has to be uploaded
    package func mount(_ digest: Digest, from source: String) throws -> Bool {
        var scopes = push
        scopes.insert(.repository(source, "pull"))
        let answer = try retrying(agent) {
            try origin.send(scopes: scopes) { base in
                HTTPRequest(
                    "POST",
                    address(base, "blobs/uploads/").adding(query: "mount", digest.description)
                        .adding(query: "from", source))
            }
        }
        let location = answer.head["location"]
        let status = answer.status
        answer.drain()
        if status == 201 { return true }
        if status == 202, let location { try abandon(location, of: answer.address) }
        // Whatever speaks against it (no such blob, no right to read there): an upload will do.
        return false
    }

    /// Ends an upload that nobody continues; a registry that cannot do that forgets it by itself.
    private func abandon(_ location: String, of address: WebAddress) throws {
        guard let target = address.resolving(location) else { return }
        let answer = try origin.send(scopes: push) { _ in HTTPRequest("DELETE", target) }
        answer.drain()
    }

    /// Uploads a blob of known digest: in one request; where that breaks, piece by piece, each from where the registry
    /// says that it is.
    /// - Parameter make: makes a source of the content from an offset on; called for every attempt
    package func upload(
        _ digest: Digest, size: Int64, make: @escaping (_ offset: Int64) throws -> any BodySource
    ) throws {
        // Of the whole: pieces that succeed do not reset it, or a registry that forgets them would keep this going.
        var beginnings = BackOff(agent)
        var isInPieces = false
        while true {
            do {
                if isInPieces {
                    // The answer may have been lost, not the blob.
                    if try sizeOfBlob(digest) != nil { return }
                    return try uploadInPieces(digest, size: size, make: make)
                }
                let location = try beginUpload()
                return try finish(location, digest, .stream(length: size) { try make(0) })
            } catch let error as RegistryError {
                try beginnings.wait(after: error)
                isInPieces = true
            }
        }
    }

    private func uploadInPieces(
        _ digest: Digest, size: Int64, make: @escaping (_ offset: Int64) throws -> any BodySource
    ) throws {
        var backOff = BackOff(agent)
        var location = try beginUpload()
        var offset: Int64 = 0
        while offset < size {
            let length = min(Self.pieceSize, size - offset)
            do {
                let start = offset
                location = try patch(
                    location, .stream(length: length) { LimitedSource(try make(start), length) },
                    range: (start, start + length - 1))
                offset += length
                backOff.reset()
            } catch let error as RegistryError {
                try backOff.wait(after: error)
                // Docker's registry forgets an upload whose piece broke.
                guard let known = try progress(of: location) else { throw error }
                (location, offset) = known
            }
        }
        try finish(location, digest, .none)
    }

    /// Uploads content whose digest is known only at its end.
    /// - Parameters:
    ///   - make: makes the source; called for every attempt
    ///   - digest: asked for once the source has ended
    package func upload(make: @escaping () throws -> any BodySource, digest: () throws -> Digest) throws {
        try retrying(agent) {
            let location = try beginUpload()
            let next = try patch(location, .stream(length: nil, make: make), range: nil)
            try finish(next, try digest(), .none)
        }
    }

    // MARK: - Requests of an upload

    private func beginUpload() throws -> WebAddress {
        let answer = try origin.send(scopes: push) { HTTPRequest("POST", address($0, "blobs/uploads/")) }
        guard answer.status == 202 else {
            throw RegistryAnswerError.failure(answer, what: "upload to \(name.familiarName)")
        }
        return try location(answer)
    }

    private func location(_ answer: HTTPAnswer) throws -> WebAddress {
        defer { answer.drain() }
        guard let text = answer.head["location"], let target = answer.address.resolving(text) else {
            throw RegistryError(.invalidAnswer, "the registry names no place for an upload")
        }
        return target
    }

    private func patch(
        _ location: WebAddress, _ body: HTTPRequest.Body, range: (first: Int64, last: Int64)?
    ) throws -> WebAddress {
        let answer = try origin.send(scopes: push) { _ in
            var request = HTTPRequest("PATCH", location)
            request.set("Content-Type", "application/octet-stream")
            if let range { request.set("Content-Range", "\(range.first)-\(range.last)") }
            request.body = body
            return request
        }
        guard answer.status == 202 || answer.status == 201 || answer.status == 204 else {
            throw RegistryAnswerError.failure(answer, what: "upload to \(name.familiarName)")
        }
        return try self.location(answer)
    }

    /// Where the registry is with an upload (distribution specification, "Pushing a blob in chunks").
    /// - Returns: nil where it does not know the upload any more
    private func progress(of location: WebAddress) throws -> (WebAddress, Int64)? {
        let answer = try origin.send(scopes: push) { _ in HTTPRequest("GET", location) }
        if [400, 404, 416].contains(answer.status) {
            answer.drain()
            return nil
        }
        guard answer.status == 204 || answer.status == 202 || answer.status == 200 else {
            throw RegistryAnswerError.failure(answer, what: "upload to \(name.familiarName)")
        }
        let offset = RangeField.received(answer.head["range"] ?? "")
        return (try self.location(answer), offset)
    }

    private func finish(_ location: WebAddress, _ digest: Digest, _ body: HTTPRequest.Body) throws {
        let answer = try origin.send(scopes: push) { _ in
            var request = HTTPRequest("PUT", location.adding(query: "digest", digest.description))
            request.set("Content-Type", "application/octet-stream")
            request.body = body
            return request
        }
        guard answer.status == 201 || answer.status == 204 else {
            throw RegistryAnswerError.failure(answer, what: "blob \(digest)")
        }
        answer.drain()
    }

    // MARK: - Manifests

    /// Makes a manifest or index visible under a tag or its digest.
    /// - Returns: its digest
    @discardableResult
    package func put(_ bytes: [UInt8], mediaType: String, as selector: ManifestSelector) throws -> Digest {
        let digest = Digest.of(bytes)
        return try retrying(agent) {
            let answer = try origin.send(scopes: push) { base in
                var request = HTTPRequest("PUT", address(base, "manifests/\(selector)"))
                request.set("Content-Type", mediaType)
                request.body = .bytes(bytes)
                return request
            }
            guard answer.status == 201 || answer.status == 200 || answer.status == 202 else {
                throw RegistryAnswerError.failure(answer, what: "manifest \(name.familiarName):\(selector)")
            }
            answer.drain()
            if let text = answer.head["docker-content-digest"], let theirs = Digest(text),
                theirs.algorithm == .sha256, theirs != digest
            {
                throw RegistryError(
                    .corrupted, "the registry keeps the manifest as \(theirs), it is \(digest)")
            }
            return digest
        }
    }
}

/// The first bytes of another source.
private final class LimitedSource: BodySource {
    private let source: any BodySource
    private var left: Int64

    init(_ source: any BodySource, _ length: Int64) {
        self.source = source
        left = length
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard left > 0 else { return 0 }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        let count = try source.read(into: room)
        left -= Int64(count)
        return count
    }
}
