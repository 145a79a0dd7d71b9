package import OCIModel
import Synchronization

extension ImageStore {
    /// The image that a reference, an id or the unique beginning of an id names. From memory, in microseconds.
    /// - Throws: `ImageError` (`imageNotFound` with Docker's message, `ambiguousIdentifier`, `invalidArgument`)
    package func image(_ name: String) throws -> Image {
        try state.withLock { state throws(ImageError) in try Self.resolve(name, in: state) }
    }

    package func image(id: Digest) throws -> Image {
        guard let image = state.withLock({ $0.images[id] }) else { throw Self.notFound(id.description) }
        return image
    }

    static func resolve(_ text: String, in state: borrowing StoreState) throws(ImageError) -> Image {
        let name: ImageName
        do {
            name = try ImageName(text)
        } catch {
            throw ImageError(.invalidArgument, error.message, cause: error)
        }
        switch name {
        case .id(let id):
            guard let image = state.images[id] else { throw notFound(id.description) }
            return image
        case .reference(let reference):
            let wanted = reference.digest.map { reference.with(digest: $0) } ?? reference.withDefaultTag
            if let id = state.references[wanted], let image = state.images[id] { return image }
            if let image = try image(idPrefix: text, in: state) { return image }
            throw notFound(reference.withDefaultTag.familiar)
        }
    }

    private static func image(idPrefix: String, in state: borrowing StoreState) throws(ImageError) -> Image? {
        let prefix = idPrefix.hasPrefix("sha256:") ? String(idPrefix.dropFirst(7)) : idPrefix
        guard !prefix.isEmpty, prefix.utf8.allSatisfy(Digest.isHexadecimal) else { return nil }
        var found: Image?
        for (id, image) in state.images where id.hex.hasPrefix(prefix) {
            guard found == nil else {
                throw ImageError(
                    .ambiguousIdentifier,
                    "the image id \(prefix) is ambiguous: several begin like that; give more digits")
            }
            found = image
        }
        return found
    }

    static func notFound(_ name: String) -> ImageError {
        ImageError(.imageNotFound, "No such image: \(name)")
    }

    /// Whether the text names the image by its id rather than by a reference.
    static func isID(_ text: String, of id: Digest) -> Bool {
        id.description.hasPrefix(text) || id.hex.hasPrefix(text)
    }
}

extension ImageStore {
    /// The tags of a repository, in their order.
    package func tags(of repository: Reference) -> [(Reference, Digest)] {
        state.withLock { state in
            state.references.filter { $0.key.name == repository.name && $0.key.digest == nil }
                .sorted { $0.key.description < $1.key.description }.map { ($0.key, $0.value) }
        }
    }

    /// Paths of the repositories of a registry from which images with layers of this one came.
    package func repositories(of id: Digest, in domain: String) throws -> [String] {
        try state.withLock { state throws(ImageError) in
            guard let image = state.images[id] else { throw Self.notFound(id.description) }
            let layers = Set(image.configuration.rootFilesystem.diffIDs)
            var paths: Set<String> = []
            for other in state.images.values
            where !layers.isDisjoint(with: other.configuration.rootFilesystem.diffIDs) {
                for reference in other.references where reference.domain == domain && reference.digest != nil
                {
                    paths.insert(reference.path)
                }
            }
            return paths.sorted()
        }
    }

    /// Names a pushed image by its manifest in the registry.
    package func addDigest(_ digest: Digest, of repository: Reference, to id: Digest) throws {
        let reference = repository.with(digest: digest)
        try changes.withLock {
            guard state.withLock({ $0.images[id] != nil && $0.references[reference] == nil }) else { return }
            try database.commit { try StoreDatabase.insertReference(reference, to: id, $0) }
            state.withLock { state in
                state.references[reference] = id
                state.refresh(id)
            }
        }
    }
}
