import JSONCodec
import OCIModel
import RegistryClient

/// Brings a manifest with everything that it needs from one repository into another.
struct ManifestCopy {
    let from: Repository
    let to: Repository

    func run(_ selector: ManifestSelector) throws {
        let manifest = try from.manifest(selector)
        if MediaType.isManifest(manifest.mediaType) {
            let image: ImageManifest = try parseDocument(manifest.bytes, "manifest")
            for blob in [image.config] + image.layers { try copy(blob) }
        }
        try to.put(manifest.bytes, mediaType: manifest.mediaType, as: .digest(manifest.digest))
    }

    private func copy(_ blob: ContentDescriptor) throws {
        if try to.sizeOfBlob(blob.digest) != nil { return }
        if from.name.domain == to.name.domain, from.name.path != to.name.path,
            try to.mount(blob.digest, from: from.name.path)
        {
            return
        }
        try to.upload(blob.digest, size: blob.size) { offset in
            BlobBody(from.blob(blob, from: offset))
        }
    }
}

/// A blob of one registry as the body of an upload to another.
private final class BlobBody: BodySource {
    private let reader: BlobReader

    init(_ reader: BlobReader) { self.reader = reader }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try reader.read(into: buffer) }
}

/// Reads a document of an image.
/// - Throws: `EngineError`, naming what is damaged
func parseDocument<T: Decodable>(_ bytes: [UInt8], _ what: String) throws -> T {
    do {
        return try JSONValue(parsing: bytes).decode()
    } catch let error as DecodingError {
        throw EngineError(
            .stateCorrupted, "the registry's \(what) is damaged: \(error.summary)", cause: error)
    } catch {
        throw EngineError(.stateCorrupted, "the registry's \(what) is damaged: \(error)", cause: error)
    }
}

/// Gives a registry's refusal the words that Docker's users know.
func asUser<T>(_ name: Reference, _ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as RegistryError {
        switch error.code {
        case .notFound where error.message.hasPrefix("name unknown"):
            throw EngineError(
                .noSuchImage, "repository \(name.familiarName) not found: \(error.message)", cause: error)
        case .notFound:
            throw EngineError(
                .noSuchImage, "manifest for \(name.withDefaultTag.familiar) not found: \(error.message)",
                cause: error)
        case .denied:
            throw EngineError(
                .noSuchImage,
                "pull access denied for \(name.familiarName), repository does not exist or may require "
                    + "'docker login': \(error.message)", cause: error)
        default: throw error
        }
    }
}
