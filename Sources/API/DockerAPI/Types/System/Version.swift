/// The answer of `GET /version`.
package struct VersionResponse: WireType {
    @Member package var platform: PlatformName = PlatformName()
    @Member package var components: [VersionComponent] = []
    @Member package var version: String = ""
    @Member package var apiVersion: String = ""
    @Member package var minAPIVersion: String = ""
    @Member package var gitCommit: String = ""
    @Member package var goVersion: String = ""
    @Member package var os: String = ""
    @Member package var arch: String = ""
    @Member package var kernelVersion: String = ""
    @OmitEmpty package var experimental: Bool = false
    @Member package var buildTime: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case platform = "Platform"
        case components = "Components"
        case version = "Version"
        case apiVersion = "ApiVersion"
        case minAPIVersion = "MinAPIVersion"
        case gitCommit = "GitCommit"
        case goVersion = "GoVersion"
        case os = "Os"
        case arch = "Arch"
        case kernelVersion = "KernelVersion"
        case experimental = "Experimental"
        case buildTime = "BuildTime"
    }
}

package struct PlatformName: WireType {
    @Member package var name: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
    }
}

package struct VersionComponent: WireType {
    @Member package var name: String = ""
    @Member package var version: String = ""
    @Nullable package var details: [String: String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case version = "Version"
        case details = "Details"
    }
}
