package import GRDB
package import Logging
package import OCIModel

extension ImageStore {
    /// Opens the store below a data root, making what is missing and clearing what a crash left.
    /// - Parameters:
    ///   - root: the data root; the store has `content` and `overlay2` below it
    ///   - database: where its records go, beside others'; it adds its own tables
    ///   - platform: which image of a multi-platform archive is taken
    package static func open(
        root: String, database: any DatabaseWriter, logger: Logger, platform: Platform = .host
    ) throws -> ImageStore { throw ImageError(.unsupported, "not built yet: open") }

    // MARK: - Images

    /// The image that a reference, an id or the unique beginning of an id names. From memory, in microseconds.
    /// - Throws: `ImageError` (`imageNotFound` with Docker's message, `ambiguousIdentifier`, `invalidArgument`)
    package func image(_ name: String) throws -> Image {
        throw ImageError(.unsupported, "not built yet: inspect")
    }

    package func image(id: Digest) throws -> Image {
        throw ImageError(.unsupported, "not built yet: inspect")
    }

    /// The newest image first.
    package func list(_ filter: ImageFilter = ImageFilter()) throws -> [Image] {
        throw ImageError(.unsupported, "not built yet: list")
    }

    /// The newest step first.
    package func history(_ name: String) throws -> [ImageHistoryEntry] {
        throw ImageError(.unsupported, "not built yet: history")
    }

    /// Gives the image another name.
    /// - Parameters:
    ///   - repository: such as `localhost:5000/app`; may carry a tag itself
    ///   - tag: `latest` where empty or nil
    /// - Returns: the image and the reference that it now has
    @discardableResult
    package func tag(_ name: String, repository: String, tag: String?) throws -> (
        image: Digest, reference: Reference
    ) {
        throw ImageError(.unsupported, "not built yet: tag")
    }

    /// Removes a name, or the image with its last name, as `docker rmi`.
    /// - Parameter uses: the containers that use an image; asked while no other removal can run
    /// - Throws: `ImageError` with Docker's messages, `conflict` among them
    package func remove(
        _ name: String, force: Bool, pruneParents: Bool, uses: (Digest) throws -> [ImageUse]
    ) throws -> [ImageRemoval] { throw ImageError(.unsupported, "not built yet: remove") }

    // MARK: - Archives

    /// Loads every image of a `docker save` or OCI archive, plain or compressed. Nothing stays behind on failure.
    /// - Parameter progress: called from other threads
    package func load(
        from source: any ByteSource, progress: (@Sendable (LoadProgress) -> Void)? = nil
    ) throws -> LoadResult { throw ImageError(.unsupported, "not built yet: load") }

    /// Writes one archive with the named images, which docker, podman and skopeo load.
    ///
    /// A repository without tag stands for all of its tags; an id saves an image without a name.
    package func save(_ names: [String], to sink: any ByteSink) throws {
        throw ImageError(.unsupported, "not built yet: save")
    }

    /// Makes an image of one layer from a tar of a root filesystem, as `docker import`.
    /// - Parameters:
    ///   - reference: such as `name:tag`; nil leaves the image without a name
    ///   - changes: Dockerfile instructions: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL,
    ///     STOPSIGNAL, USER, VOLUME, WORKDIR
    ///   - origin: what `history` shows as the comment's source, such as a URL; nil where it was uploaded
    /// - Returns: the image's id
    package func importRootFilesystem(
        from source: any ByteSource, reference: String?, message: String, changes: [String],
        platform: Platform? = nil, origin: String? = nil
    ) throws -> Digest { throw ImageError(.unsupported, "not built yet: import") }

    package func diskUsage() -> ImageDiskUsage { ImageDiskUsage(layers: 0, blobs: 0) }

    // MARK: - Containers' layers

    /// Tells the store, once after `open`, which containers exist. Folders of others go; missing ones are made
    /// again (a power cut may have taken those of a container that never ran); unused layers are collected.
    package func adopt(_ layers: [ContainerLayer]) throws {
        throw ImageError(.unsupported, "not built yet: container layers")
    }

    /// Makes the writable layer of a new container: a few directories, no sync. From here on the image's layers
    /// stay, even when the image is removed by force.
    package func createContainerLayer(id: String, image: Digest) throws -> ContainerLayer {
        throw ImageError(.unsupported, "not built yet: container layers")
    }

    /// Where the layer lies, for the mount and for `GraphDriver.Data`.
    package func paths(of layer: ContainerLayer) -> ContainerLayerPaths {
        ContainerLayerPaths(lower: [], upper: "", work: "", merged: "")
    }

    /// Takes the layer away at once by a rename; its files are deleted in the background.
    package func removeContainerLayer(_ layer: ContainerLayer) throws {
        throw ImageError(.unsupported, "not built yet: container layers")
    }

    /// Bytes of the regular files in the writable layer (`SizeRw`). Walks the folder.
    package func size(of layer: ContainerLayer) throws -> Int64 {
        throw ImageError(.unsupported, "not built yet: container layers")
    }

    /// What the container changed, as `docker diff`.
    package func changes(of layer: ContainerLayer) throws -> [LayerChange] {
        throw ImageError(.unsupported, "not built yet: container layers")
    }
}

/// One path that a container changed.
package struct LayerChange: Sendable, Equatable {
    package enum Kind: Int, Sendable {
        case modified = 0
        case added = 1
        case deleted = 2
    }

    package let path: String
    package let kind: Kind
}
