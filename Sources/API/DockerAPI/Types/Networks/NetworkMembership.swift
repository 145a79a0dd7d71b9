/// The body of `POST /networks/{id}/connect`.
package struct NetworkConnectRequest: WireType {
    /// Name or id.
    @Member package var container: String = ""
    @Nullable package var endpointConfig: EndpointSettings?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case container = "Container"
        case endpointConfig = "EndpointConfig"
    }
}

/// The body of `POST /networks/{id}/disconnect`.
package struct NetworkDisconnectRequest: WireType {
    /// Name or id.
    @Member package var container: String = ""
    @Member package var force: Bool = false

    package init() {}

    enum CodingKeys: String, CodingKey {
        case container = "Container"
        case force = "Force"
    }
}

/// The answer of `POST /networks/prune`: names.
package struct NetworkPruneResponse: WireType {
    @Nullable package var networksDeleted: [String]?

    package init() {}

    enum CodingKeys: String, CodingKey { case networksDeleted = "NetworksDeleted" }
}
