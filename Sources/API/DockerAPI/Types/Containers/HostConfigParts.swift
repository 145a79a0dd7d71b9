package struct LogConfig: WireType {
    @Member package var type: String = ""
    @Nullable package var config: [String: String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case config = "Config"
    }
}

package struct PortBinding: WireType {
    @Member package var hostIp: String = ""
    /// A port, a range, or empty for any free port.
    @Member package var hostPort: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case hostIp = "HostIp"
        case hostPort = "HostPort"
    }
}

package struct RestartPolicy: WireType {
    @Member package var name: String = ""
    @Member package var maximumRetryCount: Int = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case maximumRetryCount = "MaximumRetryCount"
    }
}

package struct WeightDevice: WireType {
    @Member package var path: String = ""
    @Member package var weight: UInt16 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case path = "Path"
        case weight = "Weight"
    }
}

package struct ThrottleDevice: WireType {
    @Member package var path: String = ""
    @Member package var rate: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case path = "Path"
        case rate = "Rate"
    }
}

package struct DeviceMapping: WireType {
    @Member package var pathOnHost: String = ""
    @Member package var pathInContainer: String = ""
    @Member package var cgroupPermissions: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case pathOnHost = "PathOnHost"
        case pathInContainer = "PathInContainer"
        case cgroupPermissions = "CgroupPermissions"
    }
}

package struct DeviceRequest: WireType {
    @Member package var driver: String = ""
    @Member package var count: Int = 0
    @Nullable package var deviceIDs: [String]?
    @Nullable package var capabilities: [[String]]?
    @Nullable package var options: [String: String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case driver = "Driver"
        case count = "Count"
        case deviceIDs = "DeviceIDs"
        case capabilities = "Capabilities"
        case options = "Options"
    }
}

package struct Ulimit: WireType {
    @Member package var name: String = ""
    @Member package var hard: Int64 = 0
    @Member package var soft: Int64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case hard = "Hard"
        case soft = "Soft"
    }
}
