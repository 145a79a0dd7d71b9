/// Points at some content (image-spec descriptor.md).
package struct ContentDescriptor: Sendable, Equatable, Codable {
    package var mediaType: String
    package var digest: Digest
    /// Size of the content in bytes.
    package var size: Int64
    package var urls: [String]?
    package var annotations: [String: String]?
    package var platform: Platform?
    package var artifactType: String?

    package init(
        mediaType: String, digest: Digest, size: Int64, annotations: [String: String]? = nil,
        platform: Platform? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        self.platform = platform
    }
}

/// An image manifest, OCI's or Docker's schema 2 (image-spec manifest.md).
package struct ImageManifest: Sendable, Equatable, Codable {
    package var schemaVersion: Int
    package var mediaType: String?
    package var artifactType: String?
    package var config: ContentDescriptor
    /// Lowest layer first.
    package var layers: [ContentDescriptor]
    package var subject: ContentDescriptor?
    package var annotations: [String: String]?

    package init(
        mediaType: String = MediaType.ociManifest, config: ContentDescriptor, layers: [ContentDescriptor]
    ) {
        schemaVersion = 2
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
    }
}

/// An image index, or Docker's manifest list (image-spec image-index.md).
package struct ImageIndex: Sendable, Equatable, Codable {
    package var schemaVersion: Int
    package var mediaType: String?
    package var manifests: [ContentDescriptor]
    package var annotations: [String: String]?

    package init(manifests: [ContentDescriptor]) {
        schemaVersion = 2
        mediaType = MediaType.ociIndex
        self.manifests = manifests
    }

    /// The manifests that serve `platform`, the best first; those without a platform come last.
    package func candidates(for platform: Platform) -> [ContentDescriptor] {
        let isImage = manifests.filter {
            $0.annotations?["vnd.docker.reference.type"] != "attestation-manifest"
        }
        let ranked = isImage.enumerated().compactMap {
            position, descriptor -> (Int, Int, ContentDescriptor)? in
            guard let theirs = descriptor.platform else { return (1000, position, descriptor) }
            return platform.distance(to: theirs).map { ($0, position, descriptor) }
        }
        return ranked.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }
}
