import Glibc
import LinuxKernel
package import OCIModel
import Synchronization

/// What the store occupies on the disk, as `du` counts it, and what sharing saves.
package struct StoreUsage: Sendable, Equatable {
    /// Bytes of all unpacked layers with their compressed forms, each once, and of blobs that came half.
    package var total: Int64 = 0
    /// Bytes that no image needs: layers of containers alone, blobs that came half.
    package var reclaimable: Int64 = 0
    /// Bytes of the files of all layers, each layer once (as `Image.size` counts).
    package var files: Int64 = 0
    /// Of each image, the bytes that other images have too (as `Image.size` counts).
    package var shared: [Digest: Int64] = [:]

    package init() {}
}

extension ImageStore {
    /// Walks layers that it has not measured before.
    package func usage() throws -> StoreUsage {
        let (layers, images) = state.withLock { ($0.layers, Array($0.images.values)) }
        var usage = StoreUsage()
        var users: [Digest: Int] = [:]
        for image in images {
            for diffID in Set(image.configuration.rootFilesystem.diffIDs) { users[diffID, default: 0] += 1 }
        }
        for layer in layers.values {
            let bytes = try measure(layer)
            usage.total += bytes
            usage.files += layer.size
            if users[layer.diffID] == nil { usage.reclaimable += bytes }
        }
        let half = try bytesOfArrivals()
        usage.total += half
        usage.reclaimable += half
        for image in images {
            usage.shared[image.id] = Set(image.configuration.rootFilesystem.diffIDs)
                .filter { (users[$0] ?? 0) > 1 }.reduce(0) { $0 + (layers[$1]?.size ?? 0) }
        }
        return usage
    }

    /// Bytes of a layer's folder and its compressed form; a layer never changes, so once is enough.
    func measure(_ layer: LayerRecord) throws -> Int64 {
        if let known = measured.withLock({ $0[layer.diffID] }) { return known }
        var bytes = try Self.blocks(below: paths.layer(layer.diffID))
        if let blob = layer.blob {
            var status = stat()
            if lstat(paths.blob(blob.digest), &status) == 0 { bytes += Int64(status.st_blocks) * 512 }
        }
        measured.withLock { $0[layer.diffID] = bytes }
        return bytes
    }

    /// Bytes of a container's writable layer on the disk, as `du` counts them.
    package func blocks(of layer: ContainerLayer) throws -> Int64 {
        try Self.blocks(below: paths.container(layer.id))
    }

    /// Bytes of the files of the layers that a container's own lies on.
    package func size(below layer: ContainerLayer) -> Int64 {
        state.withLock { state in layer.layers.reduce(0) { $0 + (state.layers[$1]?.size ?? 0) } }
    }

    /// What a folder occupies with everything below it, files with several names once; 0 where there is none.
    package static func blocks(below folder: String) throws -> Int64 {
        var status = stat()
        guard lstat(folder, &status) == 0 else { return 0 }
        var bytes = Int64(status.st_blocks) * 512
        var seen: Set<UInt64> = []
        do {
            try walkTree(folder) { _, status in
                let isDirectory = status.st_mode & S_IFMT == S_IFDIR
                if !isDirectory, status.st_nlink > 1, !seen.insert(UInt64(status.st_ino)).inserted { return }
                bytes += Int64(status.st_blocks) * 512
            }
        } catch let error as SystemCallError where error.errno == ENOENT {
            return bytes
        }
        return bytes
    }
}
