package import OCIModel
import Synchronization

extension ImageStore {
    /// Gives the image another name; an image that had it before loses it.
    /// - Parameters:
    ///   - repository: such as `localhost:5000/app`; may carry a tag itself
    ///   - tag: what `repository` says, else `latest`, where empty or nil
    /// - Returns: the image and the reference that it now has
    /// - Throws: `ImageError` with Docker's messages
    @discardableResult
    package func tag(
        _ name: String, repository: String, tag: String?
    ) throws -> (image: Digest, reference: Reference) {
        let reference = try Self.makeReference(repository, tag)
        let id = try changes.withLock {
            let id = try image(name).id
            let now = Timestamp.now
            try database.commit { try StoreDatabase.set(reference, to: id, at: now, $0) }
            state.withLock { state in
                let before = state.references.updateValue(id, forKey: reference)
                if let before, before != id { state.refresh(before) }
                state.refresh(id, lastTagged: now)
            }
            return id
        }
        return (id, reference)
    }

    static func makeReference(_ repository: String, _ tag: String?) throws -> Reference {
        let parsed: Reference
        do {
            parsed = try Reference(repository)
        } catch {
            throw ImageError(.invalidArgument, error.message, cause: error)
        }
        var reference = parsed
        if let tag, !tag.isEmpty {
            guard Reference.isTag(tag) else { throw ImageError(.invalidArgument, "invalid tag format") }
            reference = parsed.with(tag: tag)
        }
        guard reference.digest == nil else {
            throw ImageError(.invalidArgument, "refusing to create a tag with a digest reference")
        }
        guard Digest.Algorithm(rawValue: reference.familiarName) == nil else {
            throw ImageError(
                .invalidArgument, "refusing to create an ambiguous tag using digest algorithm as name")
        }
        return reference.withDefaultTag
    }
}
