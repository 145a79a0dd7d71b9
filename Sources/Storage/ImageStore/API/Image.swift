package import OCIModel

/// An image as the store knows it at one moment.
package struct Image: Sendable {
    /// The digest of the configuration.
    package let id: Digest
    package let configuration: ImageConfiguration
    /// Tags and digests that lead here, in the order of their texts.
    package let references: [Reference]
    /// The image that this one was built on, where that is known here.
    package let parent: Digest?
    /// Bytes of the regular files in its layers.
    package let size: Int64
    /// When it last got a tag; nil where never.
    package let lastTagged: Timestamp?
    /// Digest of the manifest that it came with, where it came with one.
    package let manifest: Digest?
    /// Absolute paths of the unpacked layers, topmost first (each once, as the overlay wants it).
    package let layerPaths: [String]

    /// Digests of the uncompressed layers, topmost first, each once.
    package var overlayLayers: [Digest] { overlayOrder(configuration.rootFilesystem.diffIDs) }

    /// `name:tag` as Docker shows them.
    package var repositoryTags: [String] {
        references.filter { $0.tag != nil && $0.digest == nil }.map(\.familiar)
    }

    /// `name@digest`, known only of images from registries.
    package var repositoryDigests: [String] {
        references.filter { $0.digest != nil }.map { $0.with(digest: $0.digest!).familiar }
    }
}

/// Which images `ImageStore.list` returns. Every criterion has to hold; of one criterion's values, one.
package struct ImageFilter: Sendable {
    package struct Label: Sendable, Equatable {
        package let name: String
        /// nil where any value will do.
        package let value: String?

        package init(name: String, value: String? = nil) {
            self.name = name
            self.value = value
        }

        /// Parses `name` or `name=value`.
        package init(_ text: String) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            self.init(name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : nil)
        }
    }

    /// Also intermediate images, which have children but no name.
    package var all = false
    /// Patterns as Docker's `reference` filter: `busybox`, `*:latest`, `localhost:5000/*`.
    package var references: [String] = []
    package var dangling: Bool?
    /// All of these.
    package var labels: [Label] = []
    /// None of these.
    package var labelsNot: [Label] = []
    /// Names or ids; images made before the given one.
    package var before: [String] = []
    package var since: [String] = []
    /// Images made before this moment.
    package var until: Timestamp?

    package init() {}
}

/// One line of `docker history`.
package struct ImageHistoryEntry: Sendable, Equatable {
    /// The id of the image at this step, where there is one here.
    package let id: Digest?
    package let created: Timestamp?
    package let createdBy: String
    /// Of the image with that id.
    package let tags: [String]
    /// Bytes of the step's layer.
    package let size: Int64
    package let comment: String
}

/// What `ImageStore.load` made visible.
package struct LoadResult: Sendable {
    package struct LoadedImage: Sendable, Equatable {
        package let id: Digest
        /// Empty where the archive names none.
        package let references: [Reference]
    }

    package struct Displacement: Sendable, Equatable {
        package let reference: Reference
        /// The image that had the name before.
        package let id: Digest
    }

    package var images: [LoadedImage]
    package var displaced: [Displacement]
}

/// How far a load is; called from the store's threads, a few times per layer and MB.
package enum LoadProgress: Sendable, Equatable {
    /// A layer of the archive, named by its digest in short form; `total` is nil where it is unknown.
    case layer(id: String, current: Int64, total: Int64?)
    case layerComplete(id: String)
}

/// One thing that `ImageStore.remove` did.
package enum ImageRemoval: Sendable, Equatable {
    /// A name went; `reference` is its familiar text.
    case untagged(reference: String, image: Digest)
    case deletedImage(Digest)
    /// An unpacked layer went, by the chain id that Docker reports.
    case deletedLayer(Digest)
}

/// A container that uses an image.
package struct ImageUse: Sendable, Equatable {
    package let containerID: String
    package let isRunning: Bool

    package init(containerID: String, isRunning: Bool) {
        self.containerID = containerID
        self.isRunning = isRunning
    }
}

/// What the store occupies on the disk.
package struct ImageDiskUsage: Sendable, Equatable {
    /// Bytes of all unpacked layers, each counted once.
    package var layers: Int64
    /// Bytes of the stored layer blobs.
    package var blobs: Int64
}
