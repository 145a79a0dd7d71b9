import Cgroups

/// Who makes the containers' control groups.
package enum CgroupDriver: String, Sendable {
    case cgroupfs, systemd
}

extension EngineConfiguration {
    /// The configuration with what it leaves to the host: systemd's driver where systemd runs a host with control
    /// groups version 2, as Docker chooses.
    func settled(for host: CgroupHost) throws(EngineError) -> EngineConfiguration {
        var result = self
        let (isVersion2, runsSystemd) = (host.version == .v2, CgroupHost.runsSystemd)
        result.cgroupDriver = cgroupDriver ?? (isVersion2 && runsSystemd ? .systemd : .cgroupfs)
        guard result.cgroupDriver == .systemd else { return result }
        guard isVersion2, runsSystemd else {
            throw .invalid(
                "exec-opts: native.cgroupdriver=systemd needs "
                    + (runsSystemd ? "control groups version 2" : "systemd as process 1")
                    + ", which this machine does not have: use native.cgroupdriver=cgroupfs")
        }
        try result.checkCgroupParent(result.effectiveCgroupParent)
        return result
    }

    /// The parent of containers that name none.
    var effectiveCgroupParent: String {
        if !cgroupParent.isEmpty { return cgroupParent }
        return cgroupDriver == .systemd ? "system.slice" : containerPrefix
    }

    /// What tells containers' scopes from other engines', and the default parent without systemd.
    private var containerPrefix: String { isDropIn ? "docker" : "skiff" }

    /// systemd wants a slice, in Docker's words.
    func checkCgroupParent(_ parent: String) throws(EngineError) {
        guard cgroupDriver == .systemd, !parent.isEmpty else { return }
        do throws(CgroupError) {
            try CgroupHost.checkSlice(parent)
        } catch {
            throw .invalid(error.message)
        }
    }

    /// The control group of a container, as the runtime takes it: `/<parent>/<id>`, or `slice:prefix:id` for systemd.
    func cgroupPath(parent: String, id: String) -> String {
        let parent = parent.isEmpty ? effectiveCgroupParent : parent
        return cgroupDriver == .systemd
            ? "\(parent):\(containerPrefix):\(id)" : cleanPath("/\(parent)/\(id)")
    }

    /// Every control group that a container may have had: that of the driver in use first, then the other one's, which
    /// may have been in use when the container was started.
    func cgroupPaths(parent: String, id: String, on host: CgroupHost) -> [String] {
        var drivers: [CgroupDriver] = [cgroupDriver ?? .cgroupfs]
        if host.version == .v2 { drivers.append(drivers[0] == .systemd ? .cgroupfs : .systemd) }
        return drivers.compactMap { driver in
            var configuration = self
            configuration.cgroupDriver = driver
            if driver != drivers[0] { configuration.cgroupParent = "" }
            let path = configuration.cgroupPath(parent: parent, id: id)
            // A parent that suits one driver only had no group of the other one.
            return (try? CgroupHost.location(path)) == nil ? nil : path
        }
    }
}
