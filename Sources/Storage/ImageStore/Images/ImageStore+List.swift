package import OCIModel
import Synchronization

extension ImageStore {
    /// The newest image first. Where names are filtered, an image has only the names that fit.
    /// - Throws: `ImageError` where `before` or `since` names no image, or a pattern is malformed
    package func list(_ filter: ImageFilter = ImageFilter()) throws -> [Image] {
        try state.withLock { state throws(ImageError) in
            func created(_ names: [String]) throws(ImageError) -> [Timestamp] {
                var times: [Timestamp] = []
                for name in names { times.append(try Self.resolve(name, in: state).created) }
                return times
            }
            let before = try created(filter.before).min()
            let since = try created(filter.since).max()
            let patterns = try filter.references.map { text throws(ImageError) in try GlobPattern(text) }
            let parents = Set(state.images.values.compactMap(\.parent))
            var images: [Image] = []
            for image in state.images.values {
                if let before, image.created >= before { continue }
                if let since, image.created <= since { continue }
                if let until = filter.until, image.created >= until { continue }
                guard Self.matches(image, labels: filter),
                    let shown = Self.named(image, filter, patterns, parents)
                else { continue }
                images.append(shown)
            }
            return images.sorted { ($1.created, $0.id.hex) < ($0.created, $1.id.hex) }
        }
    }

    private static func matches(_ image: Image, labels filter: ImageFilter) -> Bool {
        let labels = image.configuration.config.labels
        func has(_ label: ImageFilter.Label) -> Bool {
            labels[label.name].map { label.value == nil || label.value == $0 } ?? false
        }
        return filter.labels.allSatisfy(has) && !filter.labelsNot.contains(where: has)
    }

    /// The image with the names that fit; nil where it is not to be shown.
    private static func named(
        _ image: Image, _ filter: ImageFilter, _ patterns: [GlobPattern], _ parents: Set<Digest>
    ) -> Image? {
        if image.references.isEmpty {
            guard filter.all || !parents.contains(image.id), filter.dangling != false, patterns.isEmpty else {
                return nil
            }
            return image
        }
        if filter.dangling == true, !image.repositoryTags.isEmpty { return nil }
        guard !patterns.isEmpty else { return image }
        let fitting = image.references.filter { reference in
            patterns.contains { $0.matches(reference.familiar) || $0.matches(reference.familiarName) }
        }
        return fitting.isEmpty ? nil : image.with(references: fitting, lastTagged: image.lastTagged)
    }

    package func diskUsage() -> ImageDiskUsage {
        state.withLock { state in
            ImageDiskUsage(
                layers: state.layers.values.reduce(0) { $0 + $1.size },
                blobs: state.layers.values.reduce(0) { $0 + ($1.blob?.size ?? 0) })
        }
    }

    /// The manifest that an image came with; nil where it came without one.
    package func manifest(of id: Digest) throws -> ContentDescriptor? {
        try database.image(id)?.manifest.map {
            ContentDescriptor(mediaType: $0.mediaType, digest: $0.digest, size: Int64($0.content.count))
        }
    }

    /// The newest step first.
    package func history(_ name: String) throws -> [ImageHistoryEntry] {
        try state.withLock { state throws(ImageError) in
            let image = try Self.resolve(name, in: state)
            var sizes = image.configuration.rootFilesystem.diffIDs.map { state.layers[$0]?.size ?? 0 }[...]
            var ids: [Image] = [image]
            while let parent = ids.last?.parent, let next = state.images[parent], ids.count < 1000 {
                ids.append(next)
            }
            let steps = image.configuration.history.map { step -> (ImageConfiguration.History, Int64) in
                (step, step.emptyLayer == true ? 0 : sizes.popFirst() ?? 0)
            }
            return steps.reversed().enumerated().map { index, step in
                let own = index < ids.count ? ids[index] : nil
                return ImageHistoryEntry(
                    id: own?.id, created: step.0.created, createdBy: step.0.createdBy ?? "",
                    tags: own?.repositoryTags ?? [], size: step.1, comment: step.0.comment ?? "")
            }
        }
    }
}

extension Image {
    var created: Timestamp { configuration.created ?? .zero }
}
