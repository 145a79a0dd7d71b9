/// The body of `POST /containers/{id}/update`: the resources of `HostConfig`, and the restart policy. Members are
/// compared with those of an empty one: what is not among `changeable` cannot be updated.
package struct ContainerUpdateRequest: Decodable, Sendable {
    package let host: HostConfig
    /// Whether the restart policy is named.
    package let setsRestartPolicy: Bool

    package init(from decoder: any Decoder) throws {
        host = try HostConfig(from: decoder)
        setsRestartPolicy = !host.restartPolicy.name.isEmpty
    }
}

package struct ContainerUpdateResponse: WireType {
    @Nullable package var warnings: [String]?

    package init() {}

    enum CodingKeys: String, CodingKey { case warnings = "Warnings" }
}

/// The answer of `POST /containers/prune`.
package struct ContainerPruneResponse: WireType {
    @Nullable package var containersDeleted: [String]?
    @Member package var spaceReclaimed: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case containersDeleted = "ContainersDeleted"
        case spaceReclaimed = "SpaceReclaimed"
    }
}
