/// The answer of `GET /volumes/{name}` and `POST /volumes/create`, and an element of `GET /volumes` and `/system/df`.
package struct VolumeResource: WireType {
    @Member package var createdAt: String = ""
    @Member package var driver: String = ""
    @Nullable package var labels: [String: String]?
    @Member package var mountpoint: String = ""
    @Member package var name: String = ""
    @Nullable package var options: [String: String]?
    @Member package var scope: String = ""
    /// Only in `/system/df`.
    package var usageData: VolumeUsageData?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case createdAt = "CreatedAt"
        case driver = "Driver"
        case labels = "Labels"
        case mountpoint = "Mountpoint"
        case name = "Name"
        case options = "Options"
        case scope = "Scope"
        case usageData = "UsageData"
    }
}

package struct VolumeUsageData: WireType {
    /// Containers that have the volume.
    @Member package var referenceCount: Int64 = 0
    /// Bytes.
    @Member package var size: Int64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case referenceCount = "RefCount"
        case size = "Size"
    }
}

/// The answer of `GET /volumes`.
package struct VolumeListResponse: WireType {
    @Member package var volumes: [VolumeResource] = []
    @Nullable package var warnings: [String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case volumes = "Volumes"
        case warnings = "Warnings"
    }
}

/// The body of `POST /volumes/create`.
package struct VolumeCreateRequest: WireType {
    /// Empty for an anonymous volume.
    @Member package var name: String = ""
    /// Empty for `local`.
    @Member package var driver: String = ""
    @Nullable package var driverOptions: [String: String]?
    @Nullable package var labels: [String: String]?
    /// Of a cluster's volumes, which Skiff does not have.
    package var clusterVolumeSpec: VolumeClusterSpec?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case driver = "Driver"
        case driverOptions = "DriverOpts"
        case labels = "Labels"
        case clusterVolumeSpec = "ClusterVolumeSpec"
    }
}

/// That something is said of a cluster's volume; what, is not read.
package struct VolumeClusterSpec: WireType {
    package init() {}
}

/// The answer of `POST /volumes/prune`.
package struct VolumePruneResponse: WireType {
    @Member package var volumesDeleted: [String] = []
    /// Bytes.
    @Member package var spaceReclaimed: Int64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case volumesDeleted = "VolumesDeleted"
        case spaceReclaimed = "SpaceReclaimed"
    }
}
