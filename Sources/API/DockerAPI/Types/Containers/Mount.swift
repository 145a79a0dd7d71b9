/// One `--mount`.
package struct Mount: WireType {
    /// `bind`, `volume`, `tmpfs`, `image`, `npipe`, `cluster`.
    @OmitEmpty package var type: String = ""
    @OmitEmpty package var source: String = ""
    @OmitEmpty package var target: String = ""
    @OmitEmpty package var readOnly: Bool = false
    @OmitEmpty package var consistency: String = ""
    package var bindOptions: BindOptions?
    package var volumeOptions: VolumeOptions?
    package var imageOptions: ImageOptions?
    package var tmpfsOptions: TmpfsOptions?
    package var clusterOptions: EmptyObject?
    /// Skiff's own: the source's owner is the container's user.
    @OmitEmpty package var mapsOwner: Bool = false

    package init() {}

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case source = "Source"
        case target = "Target"
        case readOnly = "ReadOnly"
        case consistency = "Consistency"
        case bindOptions = "BindOptions"
        case volumeOptions = "VolumeOptions"
        case imageOptions = "ImageOptions"
        case tmpfsOptions = "TmpfsOptions"
        case clusterOptions = "ClusterOptions"
        case mapsOwner = "IDMap"
    }
}

package struct BindOptions: WireType {
    @OmitEmpty package var propagation: String = ""
    @OmitEmpty package var nonRecursive: Bool = false
    @OmitEmpty package var createMountpoint: Bool = false
    @OmitEmpty package var readOnlyNonRecursive: Bool = false
    @OmitEmpty package var readOnlyForceRecursive: Bool = false

    package init() {}

    enum CodingKeys: String, CodingKey {
        case propagation = "Propagation"
        case nonRecursive = "NonRecursive"
        case createMountpoint = "CreateMountpoint"
        case readOnlyNonRecursive = "ReadOnlyNonRecursive"
        case readOnlyForceRecursive = "ReadOnlyForceRecursive"
    }
}

package struct VolumeOptions: WireType {
    @OmitEmpty package var noCopy: Bool = false
    @OmitEmpty package var labels: [String: String] = [:]
    @OmitEmpty package var subpath: String = ""
    package var driverConfig: VolumeDriverConfig?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case noCopy = "NoCopy"
        case labels = "Labels"
        case subpath = "Subpath"
        case driverConfig = "DriverConfig"
    }
}

package struct VolumeDriverConfig: WireType {
    @OmitEmpty package var name: String = ""
    @OmitEmpty package var options: [String: String] = [:]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case options = "Options"
    }
}

package struct ImageOptions: WireType {
    @OmitEmpty package var subpath: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case subpath = "Subpath"
    }
}

package struct TmpfsOptions: WireType {
    /// Bytes.
    @OmitEmpty package var sizeBytes: Int64 = 0
    /// A decimal number whose bits are the mode.
    @OmitEmpty package var mode: UInt32 = 0
    @OmitEmpty package var options: [[String]] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case sizeBytes = "SizeBytes"
        case mode = "Mode"
        case options = "Options"
    }
}
