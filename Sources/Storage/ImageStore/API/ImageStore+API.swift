package import OCIModel

extension ImageStore {
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
}
