import OCIModel

extension ImageStore {
    /// Bytes of the regular files in the writable layer (`SizeRw`), each counted once. Walks the folder.
    package func size(of layer: ContainerLayer) throws -> Int64 {
        try snapshotter(of: layer).size(of: snapshot(layer))
    }

    /// What the container changed, as `docker diff`, in the order of paths.
    package func changes(of layer: ContainerLayer) throws -> [LayerChange] {
        try snapshotter(of: layer).changes(of: snapshot(layer))
    }
}
