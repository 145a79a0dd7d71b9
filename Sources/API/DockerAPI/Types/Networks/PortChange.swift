/// The body of `POST /skiff/containers/{name}/ports/add` and `…/remove`, written as `HostConfig.PortBindings` is.
package struct PortChangeRequest: WireType {
    /// Keys as `80/tcp`. To remove, an empty `HostPort` stands for every port of the host that leads there.
    @Nullable package var portBindings: [String: [PortBinding]?]?

    package init() {}

    enum CodingKeys: String, CodingKey { case portBindings = "PortBindings" }
}

/// The answer of both: the ports as `NetworkSettings.Ports` has them from now on.
package struct PortChangeResponse: WireType {
    @Nullable package var ports: [String: [PortBinding]?]?

    package init() {}

    enum CodingKeys: String, CodingKey { case ports = "Ports" }
}
