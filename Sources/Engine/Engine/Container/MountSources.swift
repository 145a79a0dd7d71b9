import Glibc
import ImageStore
import LinuxKernel
import OCIModel

/// What has to be so on the host before a container's mounts can be made. Blocks.
struct MountSources {
    private let mounts: [MountPoint]

    init(_ mounts: [MountPoint]) { self.mounts = mounts }

    /// Makes missing folders and checks what propagation needs.
    /// - Returns: the mounts as they are to be made
    func prepare() throws(EngineError) -> [MountPoint] {
        var result: [MountPoint] = []
        for var mount in mounts {
            if mount.kind == .bind {
                if mount.details.makesSource { try make(mount.source) }
                try settlePropagation(&mount)
            }
            result.append(mount)
        }
        return result
    }

    private func make(_ source: String) throws(EngineError) {
        if fileExists(source) { return }
        do throws(SystemCallError) {
            try makeDirectories(source)
        } catch {
            throw .invalid("error while creating mount source path '\(source)': \(error)")
        }
    }

    /// Docker refuses a mount that could not travel as it is told to.
    private func settlePropagation(_ mount: inout MountPoint) throws(EngineError) {
        let isShared = ["shared", "rshared"].contains(mount.propagation)
        guard isShared || ["slave", "rslave"].contains(mount.propagation) else { return }
        guard let (place, propagation) = try holder(of: mount.source) else { return }
        if propagation.contains(where: { $0.hasPrefix("shared:") }) { return }
        if !isShared, propagation.contains(where: { $0.hasPrefix("master:") }) { return }
        if mount.details.isSlaveByItself {
            mount.propagation = MountPropagation.rprivate.rawValue
            return
        }
        throw .invalid(
            "path \(mount.source) is mounted on \(place) but it is not a "
                + (isShared ? "shared mount" : "shared or slave mount"))
    }

    /// The mount that a path lies on; nil where the path leads nowhere, which the start says better.
    private func holder(of source: String) throws(EngineError) -> (place: String, propagation: [String])? {
        guard let real = realpath(source, nil) else { return nil }
        defer { free(real) }
        let path = String(cString: real)
        let table: [MountTableEntry]
        do throws(SystemCallError) {
            table = try mountTable()
        } catch {
            throw EngineError(.systemCallFailed, "cannot read the mounts of the host: \(error)", cause: error)
        }
        // The last of those on the same place covers the others.
        let found = table.filter { isPath(path, below: $0.mountPoint) }
            .enumerated().max {
                ($0.element.mountPoint.utf8.count, $0.offset) < ($1.element.mountPoint.utf8.count, $1.offset)
            }
        return found.map { ($0.element.mountPoint, $0.element.propagation) }
    }
}

extension MountPoint {
    /// What the runtime has to know of the source besides its path; nil for nothing.
    func runtimeSource(_ images: ImageStore) -> RuntimeMountSource? {
        guard let detail, kind != .tmpfs,
            !detail.layers.isEmpty || !detail.subpath.isEmpty || detail.mapsOwner
        else { return nil }
        return RuntimeMountSource(
            destination: destination,
            layers: detail.layers.isEmpty ? [] : images.lowerFolders(of: detail.layers),
            subpath: detail.subpath, mapsOwner: detail.mapsOwner)
    }
}
