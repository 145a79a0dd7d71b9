/// One element of `GET /containers/json`.
package struct ContainerSummary: WireType {
    @Member package var id: String = ""
    /// With leading slashes.
    @Member package var names: [String] = []
    @Member package var image: String = ""
    @Member package var imageID: String = ""
    /// Since 1.48.
    package var imageManifestDescriptor: Descriptor?
    @Member package var command: String = ""
    /// Seconds since 1970.
    @Member package var created: Int64 = 0
    @Member package var ports: [PortSummary] = []
    @OmitEmpty package var sizeRw: Int64 = 0
    @OmitEmpty package var sizeRootFs: Int64 = 0
    @Member package var labels: [String: String] = [:]
    @Member package var state: String = ""
    /// As `Up 3 minutes`.
    @Member package var status: String = ""
    @Member package var hostConfig: HostConfigSummary = HostConfigSummary()
    @Member package var networkSettings: NetworkSettingsSummary = NetworkSettingsSummary()
    @Member package var mounts: [MountPoint] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case image = "Image"
        case imageID = "ImageID"
        case imageManifestDescriptor = "ImageManifestDescriptor"
        case command = "Command"
        case created = "Created"
        case ports = "Ports"
        case sizeRw = "SizeRw"
        case sizeRootFs = "SizeRootFs"
        case labels = "Labels"
        case state = "State"
        case status = "Status"
        case hostConfig = "HostConfig"
        case networkSettings = "NetworkSettings"
        case mounts = "Mounts"
    }
}

package struct PortSummary: WireType {
    @OmitEmpty package var ip: String = ""
    @Member package var privatePort: UInt16 = 0
    @OmitEmpty package var publicPort: UInt16 = 0
    @Member package var type: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case ip = "IP"
        case privatePort = "PrivatePort"
        case publicPort = "PublicPort"
        case type = "Type"
    }
}

package struct HostConfigSummary: WireType {
    @OmitEmpty package var networkMode: String = ""
    /// Since 1.46.
    @OmitEmpty package var annotations: [String: String] = [:]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case networkMode = "NetworkMode"
        case annotations = "Annotations"
    }
}

package struct NetworkSettingsSummary: WireType {
    @Member package var networks: [String: EndpointSettings] = [:]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case networks = "Networks"
    }
}
