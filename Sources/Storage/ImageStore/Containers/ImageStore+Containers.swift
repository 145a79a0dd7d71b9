import Glibc
import LinuxKernel
import Logging
package import OCIModel
import Synchronization

extension ImageStore {
    /// Tells the store, once after `open`, which containers exist. Folders of others go; missing ones are made
    /// again (a power cut may have taken those of a container that never ran); unused layers are collected.
    package func adopt(_ layers: [ContainerLayer]) throws {
        try changes.withLock {
            let keep = state.withLock { state in
                for layer in layers { state.containers[layer.id] = layer }
                state.knowsContainers = true
                return Set(state.layers.keys.map(\.hex)).union(state.containers.keys)
                    .union([MountPointsLayer.name])
            }
            for name in try namesInFolder(paths.overlay) where !name.hasPrefix(".") && !keep.contains(name) {
                try trash.discard("\(paths.overlay)/\(name)")
            }
            for layer in layers { try makeAgain(layer) }
            try collect(state.withLock { Array($0.layers.keys) })
        }
    }

    /// Makes the writable layer of a new container: a few directories, no sync. From here on the image's layers
    /// stay, even when the image is removed by force.
    /// - Parameters:
    ///   - mounting: layers of other images that are mounted in the container; they stay likewise
    ///   - size: bytes that the layer may hold; nil for any number
    /// - Throws: `ImageError` (`imageNotFound`, `conflict` where the container has a layer, `unsupported` where the file
    ///   system limits no sizes)
    package func createContainerLayer(
        id: String, image: Digest, mounting: [Digest] = [], size: UInt64? = nil
    ) throws -> ContainerLayer {
        guard !id.isEmpty, id.utf8.allSatisfy(Self.isIdentifier) else {
            throw ImageError(.invalidArgument, "invalid container id \"\(id)\"")
        }
        let layer = try state.withLock { state throws(ImageError) in
            guard let found = state.images[image] else { throw Self.notFound(image.description) }
            guard state.containers[id] == nil else {
                throw ImageError(.conflict, "container \(id) has a layer already")
            }
            let order = overlayOrder(found.configuration.rootFilesystem.diffIDs)
            try Self.checkLayerCount(order)
            if let missing = mounting.first(where: { state.layers[$0] == nil }) {
                throw Self.notFound("with layer \(missing)")
            }
            // Where the image takes all the room, what it lacks is made in the container's own layer.
            let layer = ContainerLayer(
                id: id, layers: order,
                mountPoints: order.count < Self.layerLimit ? MountPointsLayer.name : nil,
                mounted: mounting.isEmpty ? nil : mounting, driver: driver == .overlay2 ? nil : driver,
                size: size)
            state.containers[id] = layer
            return layer
        }
        do {
            try makeFolders(layer)
        } catch {
            state.withLock { _ = $0.containers.removeValue(forKey: id) }
            try trash.discard(paths.container(id))
            throw Self.translate(error)
        }
        return layer
    }

    /// The overlay refuses the 501st directory below the writable one.
    private static let layerLimit = 500

    /// - Throws: `ImageError` where no container could be made of so many layers
    package static func checkLayerCount(_ diffIDs: [Digest]) throws(ImageError) {
        let count = overlayOrder(diffIDs).count
        guard count > layerLimit else { return }
        throw ImageError(
            .invalidArgument,
            "max depth exceeded: the image has \(count) layers, and the kernel's overlay takes \(layerLimit): make one of "
                + "fewer, as by export and import")
    }

    private static func isIdentifier(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func makeFolders(_ layer: ContainerLayer) throws {
        let folder = paths.container(layer.id)
        if try makeFolder(folder, mode: 0o710), let size = layer.size { try limit(folder, to: size) }
        try snapshotter(of: layer).make(snapshot(layer))
    }

    /// What a power cut may have taken of a container that never ran. What is there stays as it is.
    private func makeAgain(_ layer: ContainerLayer) throws {
        let snapshot = snapshot(layer)
        guard try Self.isMissing(snapshot.content) else { return try snapshotter(of: layer).make(snapshot) }
        try trash.discard(snapshot.folder)
        do {
            try makeFolders(layer)
        } catch let error as ImageError where error.code == .unsupported {
            // Mounted another way than when the container was made: that must not keep all others from running.
            logger.error(
                "a container has no size limit any more",
                metadata: ["container.id": "\(layer.id)", "error": "\(error)"])
            try snapshotter(of: layer).make(snapshot)
        }
    }

    /// Only what is certainly not there counts: a disk that cannot be read must not cost a container its files.
    private static func isMissing(_ path: String) throws(SystemCallError) -> Bool {
        if access(path, F_OK) == 0 { return false }
        guard errno == ENOENT else { throw SystemCallError(call: "access", subject: path) }
        return true
    }

    private func limit(_ folder: String, to size: UInt64) throws(ImageError) {
        do throws(DirectoryQuotaError) {
            try DirectoryQuota.limit(directory: folder, bytes: size)
        } catch {
            throw Self.refusal(of: error)
        }
    }

    /// Finds out whether containers can have sizes here.
    /// - Throws: `ImageError`, with what the file system lacks
    package func requireSizes() throws(ImageError) {
        do throws(DirectoryQuotaError) {
            try DirectoryQuota.requireSupport(at: paths.overlay)
        } catch {
            throw Self.refusal(of: error)
        }
    }

    private static func refusal(of error: DirectoryQuotaError) -> ImageError {
        switch error {
        case .unsupported(let reason):
            // Docker's sentence, which tools look for, and what it means here.
            ImageError(
                .unsupported,
                "--storage-opt is supported only for overlay over xfs with 'pquota' mount option: \(reason)")
        case .failed(let error):
            ImageError(.input, "cannot limit a container's size: \(error)", cause: error)
        }
    }

    /// The one that made the layer, whatever makes others now.
    func snapshotter(of layer: ContainerLayer) -> any Snapshotter {
        switch layer.driver ?? .overlay2 {
        case .overlay2: OverlaySnapshotter()
        case .vfs: CopySnapshotter()
        }
    }

    func snapshot(_ layer: ContainerLayer) -> Snapshot {
        let mountPoints = layer.mountPoints.map { ["\(paths.overlay)/\($0)/diff"] } ?? []
        return Snapshot(
            folder: paths.container(layer.id),
            lower: layer.layers.map { paths.layerContent($0) } + mountPoints,
            root: state.withLock { state in layer.layers.compactMap { state.layers[$0]?.root }.first })
    }

    /// Where the layer lies, for the mount and for `GraphDriver.Data`.
    package func paths(of layer: ContainerLayer) -> ContainerLayerPaths {
        let snapshotter = snapshotter(of: layer)
        let snapshot = snapshot(layer)
        return ContainerLayerPaths(
            driver: snapshotter.driver, lower: snapshotter.lowerFolders(of: snapshot),
            upper: snapshot.content,
            work: snapshot.folder + "/work", merged: snapshot.folder + "/merged")
    }

    /// What an overlay of these layers alone is made of, topmost first: at least two folders, as the kernel wants it.
    package func lowerFolders(of layers: [Digest]) -> [String] {
        layers.map { paths.layerContent($0) }
            + (layers.count > 1 ? [] : [MountPointsLayer.emptyFolder(in: paths.overlay)])
    }

    /// Takes the layer away at once by a rename; its files are deleted in the background.
    package func removeContainerLayer(_ layer: ContainerLayer) throws {
        try trash.discard(paths.container(layer.id))
        let mayFreeLayers = state.withLock { state in
            state.containers[layer.id] = nil
            return !state.unused(layer.held).isEmpty
        }
        if mayFreeLayers { _ = try changes.withLock { try collect(layer.held) } }
    }

    /// Lets `merged` lead to a running container's root, where people and tools look for it.
    /// - Parameter processID: of the container's first process; nil takes the link away
    package func linkMerged(_ layer: ContainerLayer, processID: Int32?) throws {
        let merged = paths(of: layer).merged
        unlink(merged)
        guard let processID else { return }
        try systemCall("symlink", merged) { symlink("/proc/\(processID)/root", merged) }
    }
}
