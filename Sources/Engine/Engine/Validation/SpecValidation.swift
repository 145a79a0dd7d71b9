import OCIModel

extension ContainerSpec {
    /// Checks what can be checked without looking at anything but the host's features, and settles what is the
    /// daemon's choice.
    /// - Returns: warnings in Docker's words
    mutating func validate(_ features: HostFeatures, _ configuration: EngineConfiguration) throws(EngineError)
        -> [String]
    {
        try validateProcess()
        try validateModes()
        try validateNetwork()
        try validateMounts()
        try refuseWhatIsNotBuilt()
        try configuration.checkCgroupParent(cgroupParent)
        settleDefaults(features, configuration)
        var warnings = try resources.validate(features)
        let capabilities = Capability.clamp(try Capability.selection(security), features)
        let asked = Set(
            try security.capabilitiesAdded.map { name throws(EngineError) in
                try Capability.normalized(name, option: "CapAdd")
            })
        let missing = capabilities.missing.filter { !security.isPrivileged || asked.contains($0) }
        if !missing.isEmpty {
            warnings.append(
                "The engine itself does not hold \(missing.joined(separator: ", ")): the container runs without."
            )
        }
        _ = try SecurityOptions(parsing: security.options)
        if network.mode == .host, !network.publishedPorts.isEmpty {
            warnings.append("Published ports are discarded when using host network mode")
        }
        return warnings
    }

    private func validateProcess() throws(EngineError) {
        let directory = process.workingDirectory
        guard directory.isEmpty || directory.hasPrefix("/") else {
            throw .invalid("the working directory '\(directory)' is invalid, it needs to be an absolute path")
        }
        for variable in process.environment where variable.isEmpty || variable.hasPrefix("=") {
            throw .invalid("invalid environment variable: \(variable)")
        }
        if !stopSignal.isEmpty { _ = try SignalName.number(stopSignal) }
        guard (-1000...1000).contains(oomScoreAdjustment) else {
            throw .invalid(
                "Invalid value \(oomScoreAdjustment), range for oom score adj is [-1000, 1000]")
        }
        if let check = healthcheck {
            try HealthSchedule.check(check.test)
            for (name, value) in [
                ("Interval", check.interval), ("Timeout", check.timeout), ("StartPeriod", check.startPeriod),
                ("StartInterval", check.startInterval),
            ] where value != 0 && value < 1_000_000 {
                throw .invalid("\(name) in Healthcheck cannot be less than 1ms")
            }
            guard check.retries >= 0 else { throw .invalid("Retries in Healthcheck cannot be negative") }
        }
    }

    private func validateModes() throws(EngineError) {
        if autoRemove, restartPolicy != .no {
            throw .invalid("can't create 'AutoRemove' container with restart policy")
        }
        if namespaces.uts == .host, !network.hostname.isEmpty {
            throw .invalid("conflicting options: hostname and the UTS mode")
        }
        if security.isPrivileged, namespaces.cgroup == .private,
            security.options.contains("systempaths=confined")
        {
            throw .invalid("conflicting options: privileged and systempaths=confined")
        }
        for name in sysctls.keys.sorted() {
            if name.hasPrefix("net."), network.mode == .host {
                throw .invalid("sysctl '\(name)' not allowed in host network namespace")
            }
            if name.hasPrefix("kernel."), namespaces.ipc == .host, name != "kernel.domainname" {
                throw .invalid("sysctl '\(name)' not allowed in host ipc namespace")
            }
        }
    }

    private func validateNetwork() throws(EngineError) {
        if case .container = network.mode {
            if !network.hostname.isEmpty {
                throw .invalid("conflicting options: hostname and the network mode")
            }
            if !network.links.isEmpty {
                throw .invalid(
                    "conflicting options: container type network can't be used with links. This would "
                        + "result in undefined behavior")
            }
            if !network.dns.servers.isEmpty {
                throw .invalid("conflicting options: dns and the network mode")
            }
            if !network.extraHosts.isEmpty {
                throw .invalid("conflicting options: custom host-to-IP mapping and the network mode")
            }
            if !network.publishedPorts.isEmpty || network.publishAll {
                throw .invalid("conflicting options: port publishing and the container type network mode")
            }
            if !exposedPorts.isEmpty {
                throw .invalid("conflicting options: port exposing and the container type network mode")
            }
        }
        if network.mode == .host, !network.links.isEmpty {
            throw .invalid(
                "conflicting options: host type networking can't be used with links. This would result in "
                    + "undefined behavior")
        }
        guard network.hostname.utf8.count <= 64, !network.hostname.contains("/") else {
            throw .invalid("invalid hostname: \(network.hostname)")
        }
        // Each is part of a line of a file.
        let (dns, words) = (network.dns, [network.hostname, network.domainname])
        for text in words + network.extraHosts + dns.servers + dns.search + dns.options
        where text.utf8.contains(where: { $0 < 0x20 }) {
            throw .invalid("invalid name or address: \(text.debugDescription) has a control character")
        }
        for entry in network.extraHosts {
            let separator = entry.firstIndex { $0 == ":" || $0 == "=" }
            guard let separator, separator != entry.startIndex,
                entry.index(after: separator) != entry.endIndex
            else {
                throw .invalid("bad format for add-host: \"\(entry)\"")
            }
        }
    }

    private func validateMounts() throws(EngineError) {
        try mounts.validate()
        for volume in anonymousVolumes where !volume.hasPrefix("/") || cleanPath(volume) == "/" {
            throw .invalid("invalid volume specification: '\(volume)'")
        }
    }

    /// What the model can hold because records need it, and this version cannot do.
    private func refuseWhatIsNotBuilt() throws(EngineError) {
        if !["", "runc", "skiff", "io.containerd.runc.v2"].contains(runtime) {
            throw .invalid("unknown or invalid runtime name: \(runtime)")
        }
    }

    private mutating func settleDefaults(_ features: HostFeatures, _ configuration: EngineConfiguration) {
        if namespaces.ipc == .standard { namespaces.ipc = configuration.defaultIPCMode }
        if namespaces.cgroup == nil {
            let private2 = features.cgroupVersion == 2 && !security.isPrivileged
            namespaces.cgroup = configuration.defaultCgroupNamespace ?? (private2 ? .private : .host)
        }
        if mounts.shmSize == 0 { mounts.shmSize = configuration.defaultShmSize }
        if runtime.isEmpty { runtime = "runc" }
        if logConfiguration.driver.isEmpty {
            let options = logConfiguration.options.merging(configuration.logDefaults.options) { own, _ in own
            }
            logConfiguration = LogSettings(driver: configuration.logDefaults.driver, options: options)
        }
    }
}

/// An absolute path without `.`, `..`, doubled and trailing slashes.
func cleanPath(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") {
        if part == "." { continue }
        if part == ".." {
            _ = parts.popLast()
        } else {
            parts.append(part)
        }
    }
    return "/" + parts.joined(separator: "/")
}
