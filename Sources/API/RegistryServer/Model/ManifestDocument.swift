import JSONCodec
import OCIModel

/// What a registry has to know of a manifest; its bytes are kept as they came.
struct ManifestDocument: Sendable {
    /// Something that the manifest needs.
    struct Part: Sendable, Equatable {
        let digest: Digest
        /// Whether it has to be in the repository before the manifest is.
        let isRequired: Bool
    }

    let mediaType: String
    /// As listed among referrers: the manifest's own, else the media type of an image's configuration.
    let artifactType: String?
    let subject: Digest?
    let annotations: JSONValue?
    let blobs: [Part]
    let manifests: [Part]

    private static let partLimit = 20_000

    /// - Parameter contentType: the request's `Content-Type`
    /// - Throws: `RegistryError` (`manifestInvalid`)
    init(_ bytes: [UInt8], contentType: String?) throws(RegistryError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw RegistryError(.manifestInvalid, "manifest is not valid JSON: \(error)", cause: error)
        }
        guard document.objectValue != nil else {
            throw RegistryError(.manifestInvalid, "manifest is not a JSON object")
        }
        mediaType = try Self.mediaType(document, contentType)
        let isIndex = MediaType.isIndex(mediaType)
        let isKnown = isIndex || MediaType.isManifest(mediaType)
        subject = try document["subject"].map { (value) throws(RegistryError) in
            try Self.digest(value, "subject")
        }
        let annotations = document["annotations"]
        self.annotations = annotations?.objectValue == nil ? nil : annotations
        let own = document["artifactType"]?.stringValue ?? ""
        let config = document["config"]?["mediaType"]?.stringValue
        artifactType = !own.isEmpty ? own : isIndex ? nil : config
        (blobs, manifests) = try Self.parts(document, isKnown: isKnown, isIndex: isIndex)
        if isKnown { try Self.checkForm(document, isIndex: isIndex) }
    }

    /// The type that the client names, which has to be the one in the document where that has one.
    private static func mediaType(_ document: JSONValue, _ contentType: String?) throws(RegistryError)
        -> String
    {
        let inside = document["mediaType"]?.stringValue ?? ""
        let named = String((contentType ?? "").prefix { $0 != ";" }).filter { $0 != " " }
        let isVague = named.isEmpty || named == "application/json" || named == "application/octet-stream"
        if isVague {
            if !inside.isEmpty { return inside }
            return document["manifests"] != nil ? MediaType.ociIndex : MediaType.ociManifest
        }
        guard inside.isEmpty || inside == named else {
            throw RegistryError(
                .manifestInvalid, "the manifest's mediaType is \"\(inside)\", but it was sent as \"\(named)\""
            )
        }
        guard named.utf8.count <= 255, named.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw RegistryError(.manifestInvalid, "invalid media type of a manifest")
        }
        guard !named.hasPrefix("application/vnd.docker.distribution.manifest.v1") else {
            throw RegistryError(
                .manifestInvalid,
                "manifests of Docker's schema 1 are not served: push the image with a newer client")
        }
        return named
    }

    private static func checkForm(_ document: JSONValue, isIndex: Bool) throws(RegistryError) {
        guard document["schemaVersion"]?.integerValue == 2 else {
            throw RegistryError(.manifestInvalid, "the manifest's schemaVersion is not 2")
        }
        let needed =
            isIndex ? document["manifests"]?.arrayValue == nil : document["config"]?.objectValue == nil
        if needed {
            throw RegistryError(.manifestInvalid, "the manifest has no \(isIndex ? "manifests" : "config")")
        }
    }

    private static func parts(
        _ document: JSONValue, isKnown: Bool, isIndex: Bool
    ) throws(RegistryError) -> (blobs: [Part], manifests: [Part]) {
        var blobs: [Part] = []
        var manifests: [Part] = []
        if let config = document["config"], config.objectValue != nil {
            blobs.append(Part(digest: try digest(config, "config"), isRequired: isKnown && !isIndex))
        }
        for member in ["layers", "blobs", "manifests"] {
            guard let list = document[member]?.arrayValue else { continue }
            guard list.count <= partLimit else {
                throw RegistryError(.manifestInvalid, "the manifest has more than \(partLimit) \(member)")
            }
            for item in list {
                let digest = try digest(item, member)
                if member == "manifests" {
                    manifests.append(Part(digest: digest, isRequired: isKnown && isIndex))
                } else {
                    blobs.append(Part(digest: digest, isRequired: isKnown && !isElsewhere(item)))
                }
            }
        }
        return (blobs, manifests)
    }

    /// Layers that may not be distributed, or that are to be had from their own addresses.
    private static func isElsewhere(_ descriptor: JSONValue) -> Bool {
        let type = descriptor["mediaType"]?.stringValue ?? ""
        return descriptor["urls"]?.arrayValue?.isEmpty == false || type.contains(".nondistributable.")
            || type.contains(".foreign.")
    }

    private static func digest(_ descriptor: JSONValue, _ member: String) throws(RegistryError) -> Digest {
        guard let text = descriptor["digest"]?.stringValue, let digest = Digest(text) else {
            throw RegistryError(
                .manifestInvalid, "a descriptor in the manifest's \(member) has no valid digest")
        }
        return digest
    }
}
