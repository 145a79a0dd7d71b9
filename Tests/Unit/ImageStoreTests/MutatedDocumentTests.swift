@testable import ImageStore
import JSONCodec
import OCIModel
import Testing

/// Archives whose documents are JSON, and say anything: numbers beyond every bound, members of other types, none, many.
@Suite struct MutatedDocumentTests {
    private let layer: ArchiveBuilder.Layer

    init() {
        var tar = TarBuilder()
        tar.file("f", "content")
        layer = ArchiveBuilder.Layer(tar.finished())
    }

    /// Changes one value somewhere below.
    private func mutate(_ value: JSONValue, _ random: inout SystemRandomNumberGenerator) -> JSONValue {
        switch value {
        case .object(var object) where !object.isEmpty && Int.random(in: 0..<6, using: &random) > 0:
            guard let key = object.keys.randomElement(using: &random), let old = object[key] else { break }
            object[key] = mutate(old, &random)
            return .object(object)
        case .array(var array) where !array.isEmpty && Int.random(in: 0..<6, using: &random) > 0:
            let index = Int.random(in: 0..<array.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: array.remove(at: index)
            case 1: array.append(array[index])
            default: array[index] = mutate(array[index], &random)
            }
            return .array(array)
        default: break
        }
        let choices: [JSONValue] = [
            .null, .bool(true), .integer(.max), .integer(.min), .integer(-1), .integer(0), .double(1e300),
            .string(""), .string("../../etc/passwd"), .string("sha256:" + String(repeating: "0", count: 64)),
            .string(layer.diffID.description), .string("9999-12-31T23:59:59Z"), .array([]),
            .object(JSONObject()), .string(String(repeating: "x", count: 5000)),
        ]
        return choices.randomElement(using: &random) ?? .null
    }

    /// An archive of documents that fit each other by their digests, as a hostile author makes them.
    private func archive(_ random: inout SystemRandomNumberGenerator) throws -> [UInt8] {
        let builder = ArchiveBuilder(layers: [layer])
        func changed(_ bytes: [UInt8], _ share: Int) throws -> [UInt8] {
            guard Int.random(in: 0..<share, using: &random) == 0 else { return bytes }
            var value = try JSONValue(parsing: bytes)
            for _ in 0..<Int.random(in: 1...3, using: &random) { value = mutate(value, &random) }
            return value.bytes()
        }
        let configuration = try changed(builder.configuration, 2)
        let plain: JSONValue = [
            "schemaVersion": 2, "mediaType": .string(MediaType.ociManifest),
            "config": builder.descriptor(MediaType.ociConfig, configuration),
            "layers": [builder.descriptor(layer.mediaType, layer.stored)],
        ]
        let manifest = try changed(plain.bytes(), 3)
        let index: JSONValue = [
            "schemaVersion": 2, "manifests": [builder.descriptor(MediaType.ociManifest, manifest)],
        ]
        var tar = TarBuilder()
        func add(_ name: String, _ content: [UInt8]) {
            tar.add(Array(name.utf8), type: "0", content: content)
        }
        for content in [layer.stored, configuration, manifest] {
            add("blobs/sha256/\(sha256(content).hex)", content)
        }
        add("index.json", try changed(index.bytes(), 3))
        if Bool.random(using: &random) {
            let docker: JSONValue = [
                [
                    "Config": .string("blobs/sha256/\(sha256(configuration).hex)"),
                    "RepoTags": ["example:latest"],
                    "Layers": [.string("blobs/sha256/\(layer.digest.hex)")],
                ]
            ]
            add("manifest.json", try changed(docker.bytes(), 3))
        }
        return tar.finished()
    }

    /// Only sha256 names are compared with what comes under them.
    @Test func documentsUnderOtherDigestsAreRefused() throws {
        let fixture = try StoreFixture()
        let before = try fixture.files()
        let builder = ArchiveBuilder(layers: [layer])
        let digest = String(repeating: "ab", count: 64)
        var tar = TarBuilder()
        let index: JSONValue = [
            "schemaVersion": 2,
            "manifests": [
                [
                    "mediaType": .string(MediaType.ociManifest), "digest": .string("sha512:\(digest)"),
                    "size": .integer(Int64(builder.manifest.count)),
                ]
            ],
        ]
        tar.add(Array("index.json".utf8), type: "0", content: index.bytes())
        tar.add(
            [120], type: "0", content: builder.manifest,
            .init(extended: [("path", Array("blobs/sha512/\(digest)".utf8))]))
        for content in [builder.configuration, layer.stored] {
            tar.add(Array("blobs/sha256/\(sha256(content).hex)".utf8), type: "0", content: content)
        }
        expectImageError(.unsupported) { try fixture.load(tar.finished()) }
        #expect(try fixture.files() == before)
    }

    @Test func documentsThatSayAnythingNeitherCrashNorStay() throws {
        var random = SystemRandomNumberGenerator()
        let fixture = try StoreFixture()
        let before = try fixture.files()
        var accepted = 0
        for _ in 0..<300 {
            let bytes = try archive(&random)
            guard let result = try? fixture.load(bytes) else { continue }
            accepted += 1
            for image in result.images {
                let id = image.id.description
                // What was accepted can be asked for, given out again and measured.
                _ = try fixture.store.history(id)
                _ = try fixture.store.list()
                _ = try fixture.store.usage()
                let sink = MemorySink()
                try fixture.store.save([id], to: sink)
                try fixture.reopen()
                _ = try fixture.store.remove(id, force: true, pruneParents: true) { _ in [] }
            }
        }
        #expect(accepted > 0)
        #expect(try fixture.files() == before)
    }
}
