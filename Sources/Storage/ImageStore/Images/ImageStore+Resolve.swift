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
