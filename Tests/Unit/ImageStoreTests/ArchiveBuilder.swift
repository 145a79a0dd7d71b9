@testable import ImageStore
import JSONCodec
import OCIModel

/// Builds image archives of given layers.
struct ArchiveBuilder {
    struct Layer {
        let plain: [UInt8]
        let stored: [UInt8]
        let mediaType: String

        var diffID: Digest { sha256(plain) }
        var digest: Digest { sha256(stored) }

        init(_ plain: [UInt8], stored: [UInt8]? = nil, mediaType: String = MediaType.ociLayer) {
            self.plain = plain
            self.stored = stored ?? plain
            self.mediaType = mediaType
        }
    }

    var layers: [Layer]
    var tags: [String] = ["example:latest"]
    var created = "2024-01-01T00:00:00Z"
    var labels: [String: String] = [:]
    /// Instead of the true ones.
    var diffIDs: [Digest]?

    var configuration: [UInt8] {
        let value: JSONValue = [
            "architecture": .string(Platform.host.architecture), "os": "linux", "created": .string(created),
            "config": ["Cmd": ["sh"], "Labels": .object(object(labels))],
            "rootfs": [
                "type": "layers",
                "diff_ids": .array((diffIDs ?? layers.map(\.diffID)).map { .string($0.description) }),
            ],
            "history": .array(layers.map { _ in ["created": .string(created), "created_by": "test"] }),
        ]
        return value.bytes()
    }

    private func object(_ dictionary: [String: String]) -> JSONObject {
        var object = JSONObject()
        for (key, value) in dictionary.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
        return object
    }

    var id: Digest { sha256(configuration) }

    var manifest: [UInt8] {
        let value: JSONValue = [
            "schemaVersion": 2, "mediaType": .string(MediaType.ociManifest),
            "config": descriptor(MediaType.ociConfig, configuration),
            "layers": .array(layers.map { descriptor($0.mediaType, $0.stored) }),
        ]
        return value.bytes()
    }

    func descriptor(_ type: String, _ content: [UInt8]) -> JSONValue {
        [
            "mediaType": .string(type), "digest": .string(sha256(content).description),
            "size": .integer(Int64(content.count)),
        ]
    }

    /// The form of `docker save` before version 25.
    func dockerSave(manifestFirst: Bool = false) -> [UInt8] {
        var tar = TarBuilder()
        let manifest: JSONValue = [
            [
                "Config": .string("\(id.hex).json"), "RepoTags": .array(tags.map { .string($0) }),
                "Layers": .array(layers.indices.map { .string("layer\($0)/layer.tar") }),
            ]
        ]
        func add(_ name: String, _ content: [UInt8]) {
            tar.add(Array(name.utf8), type: "0", content: content)
        }
        if manifestFirst { add("manifest.json", manifest.bytes()) }
        for (index, layer) in layers.enumerated() { add("layer\(index)/layer.tar", layer.stored) }
        add("\(id.hex).json", configuration)
        if !manifestFirst { add("manifest.json", manifest.bytes()) }
        return tar.finished()
    }

    func layout(extraManifests: [JSONValue] = []) -> [UInt8] {
        var tar = TarBuilder()
        func add(_ name: String, _ content: [UInt8]) {
            tar.add(Array(name.utf8), type: "0", content: content)
        }
        func blob(_ content: [UInt8]) { add("blobs/sha256/\(sha256(content).hex)", content) }
        for layer in layers { blob(layer.stored) }
        blob(configuration)
        blob(manifest)
        var manifests = tags.map { tag -> JSONValue in
            var descriptor = descriptor(MediaType.ociManifest, manifest).objectValue!
            let name = try? Reference(tag).description
            descriptor["annotations"] = ["io.containerd.image.name": .string(name ?? tag)]
            return .object(descriptor)
        }
        if manifests.isEmpty { manifests = [descriptor(MediaType.ociManifest, manifest)] }
        let index: JSONValue = ["schemaVersion": 2, "manifests": .array(manifests + extraManifests)]
        add("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        add("index.json", index.bytes())
        return tar.finished()
    }
}
