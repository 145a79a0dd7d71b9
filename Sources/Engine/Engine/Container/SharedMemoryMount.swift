import CLinux
import Glibc
import LinuxKernel

/// The `/dev/shm` of a container that shares it (`--ipc shareable`): the one mount that the engine makes on the host,
/// because another container has to be able to bind it.
enum SharedMemoryMount {
    static func path(in folder: String) -> String { "\(folder)/mounts/shm" }

    /// Mounts it, unless a crash has left it mounted.
    static func mount(_ path: String, bytes: Int64) throws(EngineError) {
        do throws(SystemCallError) {
            try unmount(path)
            try makeDirectories(path, mode: 0o711)
            let flags = UInt(MS_NOSUID | MS_NOEXEC | MS_NODEV)
            try systemCall("mount", path) {
                Glibc.mount("shm", path, "tmpfs", flags, "mode=1777,size=\(bytes)")
            }
        } catch {
            throw EngineError(.systemCallFailed, "cannot mount shared memory: \(error)", cause: error)
        }
    }

    /// Nothing to do where nothing is mounted.
    static func unmount(_ path: String) throws(SystemCallError) {
        if umount2(path, Int32(MNT_DETACH)) == 0 || errno == EINVAL || errno == ENOENT { return }
        throw SystemCallError(call: "umount2", subject: path)
    }
}

extension Container {
    func unmountSharedMemory() async {
        do {
            try await unmountSharedMemoryIfMounted()
        } catch {
            log("cannot unmount shared memory", error)
        }
    }

    func unmountSharedMemoryIfMounted() async throws {
        guard spec.namespaces.ipc == .shareable else { return }
        let path = SharedMemoryMount.path(in: parts.folder(of: id))
        try await parts.pool.run { try SharedMemoryMount.unmount(path) }
    }
}
