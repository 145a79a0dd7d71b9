import Cgroups
import Glibc

/// Takes control groups away that a killed shim has left.
enum CgroupRemoval {
    /// Kills what is in it, and removes it; nothing to do where there is none. Blocks.
    static func remove(_ path: String, in host: CgroupHost) throws {
        let group = try host.existing(path)
        // A killed process leaves its group a moment later.
        for _ in 0..<50 {
            let processes = (try? group.processes(recursive: true)) ?? []
            for pid in processes { Glibc.kill(pid, SIGKILL) }
            if try attempt(group) { return }
            usleep(20_000)
        }
        throw CgroupError(.busy, "control group \(path) still has processes a second after SIGKILL")
    }

    /// - Returns: false while processes are left in it
    private static func attempt(_ group: any Cgroup) throws(CgroupError) -> Bool {
        do throws(CgroupError) {
            try group.remove()
        } catch {
            switch error.code {
            case .busy: return false
            case .notFound: return true
            default: throw error
            }
        }
        return true
    }

    /// Removes whatever group a container may have had.
    static func remove(
        id: String, parent: String, _ configuration: EngineConfiguration, in host: CgroupHost
    ) throws {
        for path in configuration.cgroupPaths(parent: parent, id: id, on: host) where try host.has(path) {
            try remove(path, in: host)
        }
    }
}
