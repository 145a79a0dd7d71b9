import Glibc
import LinuxKernel
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
            for layer in layers { try makeFolders(layer) }
            try collect(state.withLock { Array($0.layers.keys) })
        }
    }

    /// Makes the writable layer of a new container: a few directories, no sync. From here on the image's layers
    /// stay, even when the image is removed by force.
    /// - Parameter mounting: layers of other images that are mounted in the container; they stay likewise
    /// - Throws: `ImageError` (`imageNotFound`, `conflict` where the container has a layer)
    package func createContainerLayer(
        id: String, image: Digest, mounting: [Digest] = []
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
            guard order.count <= Self.layerLimit else {
                throw ImageError(
                    .invalidArgument,
                    "image \(image.short) has \(order.count) layers: the kernel's overlay takes 500, one of them ours; "
                        + "make an image of at most \(Self.layerLimit) layers, as by export and import")
            }
            if let missing = mounting.first(where: { state.layers[$0] == nil }) {
                throw Self.notFound("with layer \(missing)")
            }
            let layer = ContainerLayer(
                id: id, layers: order, mountPoints: MountPointsLayer.name,
                mounted: mounting.isEmpty ? nil : mounting)
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

    /// The overlay refuses the 501st directory below the writable one, and the mount points are one.
    private static let layerLimit = 499

    private static func isIdentifier(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Those that exist stay as they are.
    private func makeFolders(_ layer: ContainerLayer) throws(SystemCallError) {
        let folder = paths.container(layer.id)
        try makeFolder(folder, mode: 0o710)
        let upper = "\(folder)/diff"
        if try makeFolder(upper, mode: 0o755) {
            // The overlay shows the upper directory's owner and mode as those of the container's root.
            let root = state.withLock { state in layer.layers.compactMap { state.layers[$0]?.root }.first }
            if let root, root.uid | root.gid != 0 {
                try systemCall("chown", upper) { chown(upper, root.uid, root.gid) }
            }
            let mode = root?.mode ?? 0o755
            try systemCall("chmod", upper) { chmod(upper, mode) }
        }
        try makeFolder(folder + "/work", mode: 0o700)
        let lower = folder + "/lower"
        if !fileExists(lower) {
            let names =
                layer.layers.map { "\($0.hex)/\(LayerRecipe.contentFolder)" }
                + (layer.mountPoints.map { ["\($0)/diff"] } ?? [])
            let text = names.joined(separator: ":")
            let file = try openFile(lower, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try LinuxKernel.writeAll(file.rawValue, text.utf8)
        }
    }

    /// - Returns: whether it is new
    @discardableResult
    private func makeFolder(_ path: String, mode: mode_t) throws(SystemCallError) -> Bool {
        if mkdir(path, mode) == 0 { return true }
        guard errno == EEXIST else { throw SystemCallError(call: "mkdir", subject: path) }
        return false
    }

    /// Where the layer lies, for the mount and for `GraphDriver.Data`.
    package func paths(of layer: ContainerLayer) -> ContainerLayerPaths {
        let folder = paths.container(layer.id)
        let mountPoints = layer.mountPoints.map { ["\(paths.overlay)/\($0)/diff"] } ?? []
        return ContainerLayerPaths(
            lower: layer.layers.map { paths.layerContent($0) } + mountPoints, upper: folder + "/diff",
            work: folder + "/work", merged: folder + "/merged")
    }

    /// What an overlay of these layers alone is made of, topmost first: at least two folders, as the kernel wants it.
    package func lowerFolders(of layers: [Digest]) -> [String] {
        layers.map { paths.layerContent($0) } + [MountPointsLayer.emptyFolder(in: paths.overlay)]
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
