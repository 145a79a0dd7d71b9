/// One element of `GET /images/json`.
package struct ImageSummary: WireType {
    /// -1: not counted.
    @Member package var containers: Int64 = -1
    /// Seconds since 1970.
    @Member package var created: Int64 = 0
    @Member package var id: String = ""
    @Nullable package var labels: [String: String]?
    @Member package var parentId: String = ""
    /// Since 1.48.
    package var descriptor: Descriptor?
    @Nullable package var repoDigests: [String]?
    @Nullable package var repoTags: [String]?
    /// Bytes; -1: not computed.
    @Member package var sharedSize: Int64 = -1
    @Member package var size: Int64 = 0
    /// Up to 1.43.
    package var virtualSize: Int64?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case containers = "Containers"
        case created = "Created"
        case id = "Id"
        case labels = "Labels"
        case parentId = "ParentId"
        case descriptor = "Descriptor"
        case repoDigests = "RepoDigests"
        case repoTags = "RepoTags"
        case sharedSize = "SharedSize"
        case size = "Size"
        case virtualSize = "VirtualSize"
    }
}

/// The answer of `GET /images/{name}/json`.
package struct ImageInspect: WireType {
    @Member package var id: String = ""
    @Member package var repoTags: [String] = []
    @Member package var repoDigests: [String] = []
    @Member package var parent: String = ""
    @Member package var comment: String = ""
    package var created: String?
    /// Up to 1.44, as the next one.
    package var container: String?
    package var containerConfig: ContainerConfig?
    @Member package var dockerVersion: String = ""
    @Member package var author: String = ""
    @Nullable package var config: ImageConfig?
    @Member package var architecture: String = ""
    @OmitEmpty package var variant: String = ""
    @Member package var os: String = ""
    @OmitEmpty package var osVersion: String = ""
    @Member package var size: Int64 = 0
    /// Up to 1.43.
    package var virtualSize: Int64?
    @Member package var graphDriver: GraphDriver = GraphDriver()
    @Member package var rootFS: RootFS = RootFS()
    @Member package var metadata: ImageMetadata = ImageMetadata()
    /// Since 1.48.
    package var descriptor: Descriptor?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case repoTags = "RepoTags"
        case repoDigests = "RepoDigests"
        case parent = "Parent"
        case comment = "Comment"
        case created = "Created"
        case container = "Container"
        case containerConfig = "ContainerConfig"
        case dockerVersion = "DockerVersion"
        case author = "Author"
        case config = "Config"
        case architecture = "Architecture"
        case variant = "Variant"
        case os = "Os"
        case osVersion = "OsVersion"
        case size = "Size"
        case virtualSize = "VirtualSize"
        case graphDriver = "GraphDriver"
        case rootFS = "RootFS"
        case metadata = "Metadata"
        case descriptor = "Descriptor"
    }
}

package struct RootFS: WireType {
    @Member package var type: String = ""
    @OmitEmpty package var layers: [String] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case layers = "Layers"
    }
}

package struct ImageMetadata: WireType {
    @Member package var lastTagTime: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case lastTagTime = "LastTagTime"
    }
}

/// One element of `GET /images/{name}/history`, newest first.
package struct ImageHistoryItem: WireType {
    @Member package var comment: String = ""
    /// Seconds since 1970.
    @Member package var created: Int64 = 0
    @Member package var createdBy: String = ""
    @Member package var id: String = ""
    @Member package var size: Int64 = 0
    @Nullable package var tags: [String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case comment = "Comment"
        case created = "Created"
        case createdBy = "CreatedBy"
        case id = "Id"
        case size = "Size"
        case tags = "Tags"
    }
}

/// One element of the answer of `DELETE /images/{name}`.
package struct ImageDeleteItem: WireType {
    @OmitEmpty package var deleted: String = ""
    @OmitEmpty package var untagged: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case deleted = "Deleted"
        case untagged = "Untagged"
    }
}
