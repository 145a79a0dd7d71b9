import JSONCodec

/// The plain form of `info`.
enum InfoText {
    static func client(_ own: JSONValue) -> String {
        """
        Client:
         Version:    \(own["Version"]?.stringValue ?? "")
         Context:    \(own["Context"]?.stringValue ?? "")
         Debug Mode: \(own["Debug"]?.boolValue ?? false)

        """
    }

    static func server(_ info: JSONValue) -> String {
        let lines =
            counts(info) + storage(info) + plugins(info) + runtime(info) + machine(info) + settings(info)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .bool(let bool): "\(bool)"
        default: ""
        }
    }

    private static func counts(_ info: JSONValue) -> [String] {
        [
            " Containers: \(text(info["Containers"]))", "  Running: \(text(info["ContainersRunning"]))",
            "  Paused: \(text(info["ContainersPaused"]))", "  Stopped: \(text(info["ContainersStopped"]))",
            " Images: \(text(info["Images"]))",
        ] + row("Server Version", info["ServerVersion"])
    }

    private static func row(_ name: String, _ value: JSONValue?) -> [String] {
        let shown = text(value)
        return shown.isEmpty ? [] : [" \(name): \(shown)"]
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        (value?.arrayValue ?? []).compactMap(\.stringValue)
    }

    private static func storage(_ info: JSONValue) -> [String] {
        var lines = row("Storage Driver", info["Driver"])
        for pair in info["DriverStatus"]?.arrayValue ?? [] {
            let words = texts(pair)
            if words.count == 2 { lines.append("  \(words[0]): \(words[1])") }
        }
        return lines + row("Logging Driver", info["LoggingDriver"])
            + row("Cgroup Driver", info["CgroupDriver"])
            + row("Cgroup Version", info["CgroupVersion"])
    }

    private static func plugins(_ info: JSONValue) -> [String] {
        let plugins = info["Plugins"] ?? .null
        var lines = [" Plugins:"]
        lines.append("  Volume: " + texts(plugins["Volume"]).joined(separator: " "))
        lines.append("  Network: " + texts(plugins["Network"]).joined(separator: " "))
        let authorization = texts(plugins["Authorization"])
        if !authorization.isEmpty { lines.append("  Authorization: " + authorization.joined(separator: " ")) }
        lines.append("  Log: " + texts(plugins["Log"]).joined(separator: " "))
        return lines + row("Swarm", info["Swarm"]?["LocalNodeState"])
    }

    private static func runtime(_ info: JSONValue) -> [String] {
        var lines: [String] = []
        let runtimes = (info["Runtimes"]?.objectValue?.keys ?? []).sorted()
        if !runtimes.isEmpty { lines.append(" Runtimes: " + runtimes.joined(separator: " ")) }
        lines += row("Default Runtime", info["DefaultRuntime"])
        lines += row("Init Binary", info["InitBinary"])
        lines.append(" containerd version: \(text(info["ContainerdCommit"]?["ID"]))")
        lines.append(" runc version: \(text(info["RuncCommit"]?["ID"]))")
        lines.append(" init version: \(text(info["InitCommit"]?["ID"]))")
        let options = texts(info["SecurityOptions"])
        if !options.isEmpty { lines.append(" Security Options:") }
        for option in options { lines += securityOption(option) }
        return lines
    }

    /// `name=seccomp,profile=default`
    private static func securityOption(_ option: String) -> [String] {
        let pairs = option.split(separator: ",").compactMap { $0.cut("=") }
        guard let name = pairs.first(where: { $0.before == "name" })?.after else { return ["  \(option)"] }
        return ["  \(name)"]
            + pairs.filter { $0.before != "name" }.map { pair in
                "   \(pair.before == "profile" ? "Profile" : pair.before): \(pair.after)"
            }
    }

    private static func machine(_ info: JSONValue) -> [String] {
        let memory = info["MemTotal"]?.doubleValue ?? 0
        return row("Kernel Version", info["KernelVersion"]) + row("Operating System", info["OperatingSystem"])
            + row("OSType", info["OSType"]) + row("Architecture", info["Architecture"]) + [
                " CPUs: \(text(info["NCPU"]))", " Total Memory: \(HumanUnits.binarySize(memory))",
            ] + row("Name", info["Name"]) + row("ID", info["ID"])
            + row("Docker Root Dir", info["DockerRootDir"])
            + [" Debug Mode: \(info["Debug"]?.boolValue ?? false)"]
    }

    private static func settings(_ info: JSONValue) -> [String] {
        var lines: [String] = []
        if info["Debug"]?.boolValue == true {
            for (name, key) in [
                ("File Descriptors", "NFd"), ("Goroutines", "NGoroutines"), ("System Time", "SystemTime"),
                ("EventsListeners", "NEventsListener"),
            ] { lines.append("  \(name): \(text(info[key]))") }
        }
        lines += row("HTTP Proxy", info["HttpProxy"]) + row("HTTPS Proxy", info["HttpsProxy"])
        lines += row("No Proxy", info["NoProxy"])
        let labels = texts(info["Labels"])
        if !labels.isEmpty { lines += [" Labels:"] + labels.map { "  \($0)" } }
        lines.append(" Experimental: \(info["ExperimentalBuild"]?.boolValue ?? false)")
        let registry = info["RegistryConfig"] ?? .null
        var insecure = texts(registry["InsecureRegistryCIDRs"])
        for (name, entry) in registry["IndexConfigs"]?.objectValue ?? JSONObject() {
            if entry["Secure"]?.boolValue == false { insecure.insert(name, at: 0) }
        }
        if !insecure.isEmpty { lines += [" Insecure Registries:"] + insecure.map { "  \($0)" } }
        let mirrors = texts(registry["Mirrors"])
        if !mirrors.isEmpty { lines += [" Registry Mirrors:"] + mirrors.map { "  \($0)" } }
        lines.append(" Live Restore Enabled: \(info["LiveRestoreEnabled"]?.boolValue ?? false)")
        lines += row("Product License", info["ProductLicense"])
        return lines
    }

    /// What the engine cannot do here, as the daemon says it, or as its flags tell.
    static func warnings(_ info: JSONValue) -> [String] { texts(info["Warnings"]) }
}
