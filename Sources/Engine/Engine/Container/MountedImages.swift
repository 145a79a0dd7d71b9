import ImageStore
import OCIModel

/// The images that a container has mounted beside its own (`--mount type=image`).
struct MountedImages {
    let donors: [MountResolver.Donor]
    /// By the names that requests have for them.
    let images: [String: Image]
    /// What has to stay as long as the container does.
    let layers: [Digest]

    /// - Parameter donors: containers whose mounts are taken over, images among them
    /// - Throws: `EngineError` where there is no such image
    init(_ spec: ContainerSpec, donors: [MountResolver.Donor], images store: ImageStore) throws {
        var images: [String: Image] = [:]
        for case .image(let mount) in spec.mounts.requests.map(\.kind) {
            do {
                images[mount.image] = try store.image(mount.image)
            } catch let error as ImageError where error.category == .notFound {
                // "Not found" would make clients pull the container's own image.
                throw EngineError(.noSuchImage, error.message, cause: error, category: .invalidArgument)
            }
        }
        self.donors = donors
        self.images = images
        let inherited = donors.flatMap(\.mounts).flatMap { $0.detail?.layers ?? [] }
        if store.driver != .overlay2, !images.isEmpty || !inherited.isEmpty {
            throw EngineError(
                .notBuilt,
                "mounting an image needs the storage driver overlay2: this daemon's is \(store.driver.rawValue)"
            )
        }
        layers = Set(images.values.flatMap(\.overlayLayers) + inherited).sorted { $0.hex < $1.hex }
    }
}

extension ContainerDefinition {
    /// Whether it is the container's own image or one that is mounted in it.
    func uses(image id: String) -> Bool {
        imageID == id || mounts.contains { $0.kind == .image && $0.detail?.imageID == id }
    }
}
