import EngineClient
import JSONCodec
import OCIModel

/// One manifest of a list, with its bytes: what Docker's client keeps of it and shows of it.
struct ManifestEntry {
    /// Where the manifest is.
    let reference: Reference
    /// What Docker's client shows of the name.
    let shownName: String
    var descriptor: ContentDescriptor
    let raw: [UInt8]

    /// - Throws: `CommandError`, `DecodingError` where the document is none of an entry
    init(_ document: JSONValue) throws {
        guard let name = document["Ref"]?.stringValue,
            let raw = document["Raw"]?.stringValue.flatMap(Base64.decode)
        else { throw CommandError(.environment, "it is no entry of a manifest list") }
        reference = try Reference(name).withDefaultTag
        shownName = name
        descriptor = try (document["Descriptor"] ?? .null).decode()
        self.raw = raw
    }

    init(_ reference: Reference, shownName: String, descriptor: ContentDescriptor, raw: [UInt8]) {
        self.reference = reference
        self.shownName = shownName
        self.descriptor = descriptor
        self.raw = raw
    }

    /// In the order of members that Docker's client writes.
    var platform: JSONValue? {
        guard let platform = descriptor.platform else { return nil }
        var object: JSONObject = [
            "architecture": .string(platform.architecture), "os": .string(platform.os),
        ]
        if let version = platform.osVersion, !version.isEmpty { object["os.version"] = .string(version) }
        if let features = platform.osFeatures, !features.isEmpty {
            object["os.features"] = .array(features.map { .string($0) })
        }
        if let variant = platform.variant, !variant.isEmpty { object["variant"] = .string(variant) }
        return .object(object)
    }

    /// What `manifest inspect --verbose` prints, and what the files hold.
    var document: JSONValue {
        get throws {
            var shown: JSONObject = [
                "mediaType": .string(descriptor.mediaType), "digest": .string(descriptor.digest.description),
                "size": .integer(descriptor.size),
            ]
            shown["platform"] = platform
            let kind =
                descriptor.mediaType == MediaType.dockerManifest ? "SchemaV2Manifest" : "OCIManifest"
            return .object([
                "Ref": .string(shownName), "Descriptor": .object(shown), "Raw": .string(Base64.encode(raw)),
                kind: try JSONValue(parsing: raw),
            ])
        }
    }
}

/// Manifests of registries, through the daemon.
struct ManifestSource {
    let session: Session
    let client: EngineClient

    struct Fetched {
        let mediaType: String
        let raw: [UInt8]
    }

    /// - Throws: `CommandError` with Docker's words where there is no such manifest
    func fetch(_ reference: Reference) throws -> Fetched {
        var request = EngineRequest(.get, "/distribution/\(ImagePath.escape(reference.description))/manifest")
        request.headers.append(try session.registryAuth(reference.domain))
        let response: EngineResponse
        do throws(EngineError) {
            response = try client.send(request)
        } catch {
            guard error.status == 404 else { throw error }
            throw CommandError(.invalidArgument, "no such manifest: \(reference.familiar)")
        }
        let type = response.head.header("content-type") ?? ""
        return Fetched(mediaType: type, raw: try response.readAll(limit: 16 << 20))
    }

    /// One manifest with what its configuration says that it is for.
    /// - Throws: `CommandError` where it is a list
    func entry(_ reference: Reference) throws -> ManifestEntry {
        let fetched = try fetch(reference)
        guard MediaType.isManifest(fetched.mediaType) else {
            throw CommandError(.invalidArgument, "\(reference.familiar) is a manifest list")
        }
        var request = EngineRequest(.get, "/distribution/\(ImagePath.escape(reference.description))/json")
        request.headers.append(try session.registryAuth(reference.domain))
        let answer = try client.json(request)
        var descriptor: ContentDescriptor = try (answer["Descriptor"] ?? .null).decode()
        descriptor.platform = try answer["Platforms"]?.arrayValue?.first?.decode()
        return ManifestEntry(
            reference, shownName: reference.description, descriptor: descriptor, raw: fetched.raw)
    }

    /// The members of a list that lies in a registry.
    func members(of list: Fetched, _ reference: Reference) throws -> [ManifestEntry] {
        let index: ImageIndex = try JSONValue(parsing: list.raw).decode()
        let name = reference.name + (reference.tag.map { ":" + $0 } ?? "")
        return try index.manifests.map { member in
            let raw = try fetch(reference.with(digest: member.digest)).raw
            return ManifestEntry(
                reference.with(digest: member.digest),
                shownName: "\(name)@\(member.digest)", descriptor: member,
                raw: raw)
        }
    }
}
