import ImageStore
import OCIModel

/// What a container was made as. Written once; only its name can change.
final class ContainerDefinition: Sendable, Codable {
    static let currentVersion = 1

    let version: Int
    let id: String
    let created: Timestamp
    /// Completed from the image.
    let spec: ContainerSpec
    let imageID: String
    let manifestDigest: String
    let os: String
    let layer: ContainerLayer
    let mounts: [MountPoint]
    let warnings: [String]

    init(
        id: String, created: Timestamp, spec: ContainerSpec, image: Image, layer: ContainerLayer,
        mounts: [MountPoint], warnings: [String]
    ) {
        version = Self.currentVersion
        self.id = id
        self.created = created
        self.spec = spec
        imageID = image.id.description
        manifestDigest = image.manifest?.description ?? ""
        os = image.configuration.platform.os
        self.layer = layer
        self.mounts = mounts
        self.warnings = warnings
    }
}

/// An exec session, kept so that it can be told of after a restart of the engine.
struct ExecRecord: Sendable, Codable, Equatable {
    var id: String
    var containerID: String
    var spec: ExecSpec
    var pid: Int32 = 0
    var exitCode: Int32?
    var hasStarted = false
}
