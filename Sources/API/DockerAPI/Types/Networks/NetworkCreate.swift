/// The body of `POST /networks/create`. `CheckDuplicate` is not read: names are unique, as with Docker since 1.44.
package struct NetworkCreateRequest: WireType {
    @Member package var name: String = ""
    @Member package var driver: String = ""
    @Member package var scope: String = ""
    /// Since 1.48; nil for the daemon's default.
    package var enableIPv4: Bool?
    package var enableIPv6: Bool?
    @Nullable package var ipam: IPAM?
    @Member package var isInternal: Bool = false
    @Member package var attachable: Bool = false
    @Member package var ingress: Bool = false
    @Member package var configOnly: Bool = false
    @Nullable package var configFrom: ConfigReference?
    @Nullable package var options: [String: String]?
    @Nullable package var labels: [String: String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case driver = "Driver"
        case scope = "Scope"
        case enableIPv4 = "EnableIPv4"
        case enableIPv6 = "EnableIPv6"
        case ipam = "IPAM"
        case isInternal = "Internal"
        case attachable = "Attachable"
        case ingress = "Ingress"
        case configOnly = "ConfigOnly"
        case configFrom = "ConfigFrom"
        case options = "Options"
        case labels = "Labels"
    }
}

/// The answer of `POST /networks/create`.
package struct NetworkCreateResponse: WireType {
    @Member package var id: String = ""
    @Member package var warning: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case warning = "Warning"
    }
}
