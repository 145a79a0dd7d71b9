import OCIModel

extension SpecBuilder {
    /// Docker's own mounts, less those that the user's replace, then the user's with the container's own files among
    /// them: in the order of depth, so that nothing hides what was mounted before.
    func mounts() -> [RuntimeMount] {
        let user = userMounts()
        let taken = Set(user.map { cleanPath($0.destination) })
        let coversDev = taken.contains("/dev")
        let result = defaultMounts().filter { mount in
            if taken.contains(mount.destination) { return false }
            return !(coversDev && mount.destination.hasPrefix("/dev/"))
        }
        let own = (sharedMemory() + fileMounts()).filter { !taken.contains($0.destination) }
        let ordered = (own + user).enumerated().sorted { a, b in
            (depth(a.element.destination), a.offset) < (depth(b.element.destination), b.offset)
        }
        return result + ordered.map(\.element)
    }

    /// `--tmpfs` comes before whatever else has its place, as what another container brings.
    private func userMounts() -> [RuntimeMount] {
        let temporary = spec.mounts.tmpfs.sorted { $0.key < $1.key }
        let taken = Set(temporary.map { cleanPath($0.key) })
        return inputs.mounts.filter { !taken.contains($0.destination) }.map(userMount)
            + temporary.map { tmpfs(cleanPath($0.key), $0.value) }
    }

    private func depth(_ path: String) -> Int { cleanPath(path).utf8.count { $0 == UInt8(ascii: "/") } }

    private func defaultMounts() -> [RuntimeMount] {
        let readOnly = isPrivileged ? "rw" : "ro"
        let cgroupsWritable = isPrivileged || security.writableCgroups
        var result = [
            RuntimeMount(
                destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            RuntimeMount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            RuntimeMount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            RuntimeMount(
                destination: "/sys", type: "sysfs", source: "sysfs",
                options: ["nosuid", "noexec", "nodev", readOnly]),
            RuntimeMount(
                destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
                options: [cgroupsWritable ? "rw" : "ro", "nosuid", "noexec", "nodev"]),
        ]
        // In the host's IPC namespace this is the host's own instance.
        result.append(
            RuntimeMount(
                destination: "/dev/mqueue", type: "mqueue", source: "mqueue",
                options: ["nosuid", "noexec", "nodev"]))
        return result
    }

    private func sharedMemory() -> [RuntimeMount] {
        switch inputs.sharedMemory {
        case .none: []
        case .bind(let path): [bind("/dev/shm", path, ["rbind", "rprivate", "nosuid", "noexec", "nodev"])]
        case .tmpfs(let bytes):
            [
                RuntimeMount(
                    destination: "/dev/shm", type: "tmpfs", source: "shm",
                    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=\(bytes)"])
            ]
        }
    }

    private func bind(_ destination: String, _ source: String, _ options: [String]) -> RuntimeMount {
        RuntimeMount(destination: destination, type: "bind", source: source, options: options)
    }

    private func fileMounts() -> [RuntimeMount] {
        guard let files = inputs.files else { return [] }
        var options = ["rbind", "rprivate"]
        if spec.mounts.readOnlyRoot { options.append("ro") }
        return [
            bind("/etc/resolv.conf", files.resolvConf, options),
            bind("/etc/hostname", files.hostname, options),
            bind("/etc/hosts", files.hosts, options),
        ]
    }

    private func userMount(_ mount: MountPoint) -> RuntimeMount {
        switch mount.kind {
        case .bind, .volume, .image:
            var options = [mount.isNonRecursive ? "bind" : "rbind"]
            if !mount.isWritable { options.append(mount.details.isReadOnlyOnTopOnly ? "ro" : "rro") }
            options.append(mount.propagation.isEmpty ? "rprivate" : mount.propagation)
            return bind(mount.destination, mount.source, options)
        case .tmpfs:
            // Records of earlier versions have them as the mode.
            return tmpfs(mount.destination, mount.detail?.tmpfsOptions ?? mount.mode)
        }
    }

    /// Without options a tmpfs is `noexec,nosuid,nodev` with the size of half the memory, as in Docker.
    private func tmpfs(_ destination: String, _ text: String) -> RuntimeMount {
        let own = text.split(separator: ",").map(String.init)
        let safe = ["noexec", "nosuid", "nodev"].filter { flag in
            !own.contains(String(flag.dropFirst(2))) && !own.contains(flag)
        }
        return RuntimeMount(destination: destination, type: "tmpfs", source: "tmpfs", options: safe + own)
    }
}
