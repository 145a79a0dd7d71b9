import Glibc
package import ImageStore
import LinuxKernel
import OCIModel
import OCIRuntime

/// What unpacking in a container is asked for.
package struct ExtractOptions: Sendable {
    /// Refuses a directory in a file's place and the other way round.
    package var forbidsOtherKinds = false
    /// Everything becomes the container's user's.
    package var givesToUser = false

    package init() {}
}

/// Files in and out of containers: Docker's archive, export and changes.
extension ContainerService {
    /// What a path in the container is; its last link is not followed.
    package func pathStatus(_ reference: String, path: String) async throws -> ContainerPathStatus {
        try await withReadingView(of: reference) { view in
            try await parts.pool.run { try view.locate(path, in: reference).status }
        }
    }

    /// Writes a file or a directory with everything in it as an archive.
    /// - Parameters:
    ///   - name: what it is called in the archive; nil for what Docker calls it
    ///   - sink: called once, on the thread that writes, when the file was found
    package func archive(
        _ reference: String, path: String, as name: String?,
        to sink: @escaping @Sendable (ContainerPathStatus) throws -> any ByteSink
    ) async throws {
        let name = Array((name ?? ContainerPath(path).archiveName).utf8)
        let container = try find(reference)
        try await withReadingView(of: reference) { view in
            let place = try await parts.pool.run { try view.locate(path, in: reference) }
            container.publish("archive-path")
            try await parts.pool.runAlone {
                var options = TreeArchiveWriter.Options()
                options.entersMounts = true
                let writer = TreeArchiveWriter(to: try sink(place.status), options)
                if let base = place.base {
                    try writer.addFile(base, in: place.directory.rawValue, as: name)
                } else {
                    try writer.addDirectory(place.directory.rawValue, as: name)
                }
                try writer.finish()
            }
        }
    }

    /// The container's root filesystem without what is mounted in it, as an archive.
    /// - Parameter sink: called once, on the thread that writes
    package func export(
        _ reference: String, to sink: @escaping @Sendable () throws -> any ByteSink
    ) async throws {
        let container = try find(reference)
        try requirePresent(container)
        let paths = parts.images.paths(of: container.definition.layer)
        let bare = container.state.isRunning ? try await container.bareRoot() : nil
        let view = try await parts.pool.run { try bare.map(FileView.init(bare:)) ?? FileView(reading: paths) }
        container.publish("export")
        try await parts.pool.runAlone {
            var options = TreeArchiveWriter.Options()
            options.includesRoot = false
            let writer = TreeArchiveWriter(to: try sink(), options)
            try writer.addDirectory(view.root.rawValue, as: [])
            try writer.finish()
        }
    }

    /// What the container changed in its image's files.
    package func changes(_ reference: String) async throws -> [LayerChange] {
        let container = try find(reference)
        try requirePresent(container)
        let (images, layer) = (parts.images, container.definition.layer)
        return try await parts.pool.run { try images.changes(of: layer) }
    }

    // MARK: - Unpacking

    /// Unpacks an archive into a directory of the container. Starts, stops and removals wait meanwhile.
    /// - Parameter source: called once, on the thread that reads, when the directory was found
    package func extract(
        _ reference: String, path: String, _ options: ExtractOptions,
        from source: @escaping @Sendable () throws -> any ByteSource
    ) async throws {
        let container = try find(reference)
        try await container.gate.run {
            try requirePresent(container)
            let target = ContainerPath(path).clean
            try await withMountedVolumes(of: container) {
                let view = try await writingView(of: container)
                try await parts.pool.run { try Self.requireDirectory(target, view, path, reference) }
                try requireWritable(target, container)
                let user = options.givesToUser ? container.spec.process.user : ""
                try await parts.pool.runAlone {
                    var extraction = TreeExtraction()
                    extraction.base = Array(target.dropFirst().utf8)
                    extraction.forbidsOtherKinds = options.forbidsOtherKinds
                    if !user.isEmpty { extraction.owner = try Self.owner(user, view) }
                    _ = try extraction.run(try source(), into: try view.root.duplicate())
                }
            }
        }
        container.publish("extract-to-dir")
    }

    private static func requireDirectory(
        _ target: String, _ view: FileView, _ path: String, _ reference: String
    ) throws {
        do throws(SystemCallError) {
            let directory = try openBelow(
                view.root.rawValue, target, O_RDONLY | O_DIRECTORY | O_NONBLOCK, [.inRoot, .noMagicLinks])
            guard !PseudoFileSystem.has(directory.rawValue) else {
                throw SystemCallError(call: "openat2", errno: EROFS, subject: path)
            }
        } catch {
            if error.errno == ENOTDIR { throw EngineError.invalid("extraction point is not a directory") }
            throw FileView.refusal(error, path, reference)
        }
    }

    private func requireWritable(_ target: String, _ container: Container) throws(EngineError) {
        let mount = container.mounts
            .filter { target == $0.destination || target.hasPrefix($0.destination + "/") }
            .max { $0.destination.utf8.count < $1.destination.utf8.count }
        if let mount {
            guard !mount.isWritable else { return }
            throw EngineError(
                .wrongState, "mounted volume is marked read-only", category: .permissionDenied)
        }
        guard container.spec.mounts.readOnlyRoot,
            !container.spec.mounts.tmpfs.keys.contains(where: {
                target == $0 || target.hasPrefix($0 + "/")
            })
        else { return }
        throw EngineError(.wrongState, "container rootfs is marked read-only", category: .permissionDenied)
    }

    private static func owner(_ user: String, _ view: FileView) throws -> (uid: UInt32, gid: UInt32) {
        let database = UserDatabase(
            passwd: view.content(of: "/etc/passwd"), group: view.content(of: "/etc/group"))
        do {
            let resolved = try database.resolve(UserRequest(user: user))
            return (resolved.uid, resolved.gid)
        } catch {
            throw EngineError.invalid("\(error)")
        }
    }

    // MARK: - Views

    func requirePresent(_ container: Container) throws(EngineError) {
        switch container.state {
        case .removing:
            throw EngineError(.wrongState, "container is marked for removal and cannot be used")
        case .dead: throw EngineError(.wrongState, "container \(container.id) is dead: remove it")
        default: return
        }
    }

    private func withReadingView<T: Sendable>(
        of reference: String, _ body: (FileView) async throws -> T
    ) async throws -> T {
        let container = try find(reference)
        try requirePresent(container)
        if let view = try await runningView(of: container, isReading: true) { return try await body(view) }
        return try await withMountedVolumes(of: container) {
            try await body(try await stoppedView(of: container, isReading: true))
        }
    }

    private func writingView(of container: Container) async throws -> FileView {
        if let view = try await runningView(of: container, isReading: false) { return view }
        return try await stoppedView(of: container, isReading: false)
    }

    /// - Returns: nil where it does not run, or has ended just now
    private func runningView(of container: Container, isReading: Bool) async throws -> FileView? {
        guard let running = container.state.runningState else { return nil }
        do {
            let view = try await parts.pool.run { try FileView(ofProcess: running.pid, isReading: isReading) }
            // The number may have become another process's.
            return container.state.runningState?.pid == running.pid ? view : nil
        } catch let error as SystemCallError where [ENOENT, ESRCH, EINVAL].contains(error.errno) {
            guard container.state.runningState?.pid == running.pid else { return nil }
            throw error
        }
    }

    private func stoppedView(of container: Container, isReading: Bool) async throws -> FileView {
        let paths = parts.images.paths(of: container.definition.layer)
        let (mounts, place) = (container.mounts, parts.folder(of: container.id))
        return try await parts.pool.run {
            try FileView(of: paths, mounts: mounts, place: place, isReading: isReading)
        }
    }

    /// Volumes with options of their own are mounted while a container runs; here while its files are looked at.
    private func withMountedVolumes<T: Sendable>(
        of container: Container, _ body: () async throws -> T
    ) async throws -> T {
        let (volumes, pool) = (parts.volumes, parts.pool)
        let names = container.mounts.filter { $0.kind == .volume }.map(\.name)
            .filter { volumes.options(of: $0) != nil }
        guard !names.isEmpty, !container.state.isRunning else { return try await body() }
        let user = "files-\(UInt64.random(in: 0...UInt64.max))"
        func release() async {
            for name in names {
                do {
                    try await pool.runAlone { try volumes.unmount(name, for: user) }
                } catch {
                    container.log("cannot unmount a volume", error)
                }
            }
        }
        do {
            try await pool.runAlone { for name in names { try volumes.mount(name, for: user) } }
            let result = try await body()
            await release()
            return result
        } catch {
            await release()
            throw error
        }
    }
}
