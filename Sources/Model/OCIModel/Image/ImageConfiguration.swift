package import JSONCodec

/// An image's configuration (image-spec config.md), with what Docker adds. Its digest is the image's id.
///
/// The store keeps the original bytes beside this, because encoding it again need not give the same ones.
package struct ImageConfiguration: Sendable, Equatable {
    package struct RootFilesystem: Sendable, Equatable, Codable {
        package var type: String
        /// Digests of the uncompressed layers, lowest first.
        package var diffIDs: [Digest]

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }

        package init(diffIDs: [Digest]) {
            type = "layers"
            self.diffIDs = diffIDs
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            type = try container.decodeIfPresent(String.self, forKey: .type) ?? "layers"
            diffIDs = try container.decodeIfPresent([Digest].self, forKey: .diffIDs) ?? []
        }
    }

    /// One step of the image's making; `emptyLayer` steps have no layer.
    package struct History: Sendable, Equatable, Codable {
        package var created: Timestamp?
        package var createdBy: String?
        package var author: String?
        package var comment: String?
        package var emptyLayer: Bool?

        enum CodingKeys: String, CodingKey {
            case created, author, comment
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }

        package init(
            created: Timestamp?, createdBy: String? = nil, author: String? = nil, comment: String? = nil,
            emptyLayer: Bool? = nil
        ) {
            self.created = created
            self.createdBy = createdBy
            self.author = author
            self.comment = comment
            self.emptyLayer = emptyLayer
        }
    }

    package var architecture: String
    package var variant: String?
    package var os: String
    package var osVersion: String?
    package var osFeatures: [String]?
    package var created: Timestamp?
    package var author: String?
    /// What a container of this image runs with unless told otherwise.
    package var config: ImageDefaults
    package var rootFilesystem: RootFilesystem
    package var history: [History]
    /// Docker's own members.
    package var comment: String?
    package var dockerVersion: String?
    package var container: String?
    package var containerConfig: JSONValue?
    package var parent: String?

    package init(platform: Platform, created: Timestamp?, config: ImageDefaults, diffIDs: [Digest]) {
        architecture = platform.architecture
        variant = platform.variant
        os = platform.os
        self.created = created
        self.config = config
        rootFilesystem = RootFilesystem(diffIDs: diffIDs)
        history = []
    }

    package var platform: Platform {
        var platform = Platform(os: os.isEmpty ? "linux" : os, architecture: architecture, variant: variant)
        platform.osVersion = osVersion
        platform.osFeatures = osFeatures
        return platform
    }
}

extension ImageConfiguration: Codable {
    enum CodingKeys: String, CodingKey {
        case architecture, variant, os, created, author, config, history, comment, container, parent
        case osVersion = "os.version"
        case osFeatures = "os.features"
        case rootFilesystem = "rootfs"
        case dockerVersion = "docker_version"
        case containerConfig = "container_config"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        architecture = try container.decodeIfPresent(String.self, forKey: .architecture) ?? ""
        variant = try container.decodeIfPresent(String.self, forKey: .variant)
        os = try container.decodeIfPresent(String.self, forKey: .os) ?? ""
        osVersion = try container.decodeIfPresent(String.self, forKey: .osVersion)
        osFeatures = try container.decodeIfPresent([String].self, forKey: .osFeatures)
        created = try container.decodeIfPresent(Timestamp.self, forKey: .created)
        author = try container.decodeIfPresent(String.self, forKey: .author)
        config = try container.decodeIfPresent(ImageDefaults.self, forKey: .config) ?? ImageDefaults()
        rootFilesystem = try container.decode(RootFilesystem.self, forKey: .rootFilesystem)
        history = try container.decodeIfPresent([History].self, forKey: .history) ?? []
        comment = try container.decodeIfPresent(String.self, forKey: .comment)
        dockerVersion = try container.decodeIfPresent(String.self, forKey: .dockerVersion)
        self.container = try container.decodeIfPresent(String.self, forKey: .container)
        containerConfig = try container.decodeIfPresent(JSONValue.self, forKey: .containerConfig)
        parent = try container.decodeIfPresent(String.self, forKey: .parent)
    }
}
