import OCIModel

extension SpecBuilder {
    func process() throws(EngineError) -> RuntimeProcess {
        let settings = spec.process
        var process = RuntimeProcess(args: spec.arguments)
        process.env = environment(terminal: settings.terminal)
        process.cwd = settings.workingDirectory.isEmpty ? "/" : settings.workingDirectory
        process.terminal = settings.terminal
        if settings.terminal, spec.consoleSize.rows > 0, spec.consoleSize.columns > 0 {
            process.consoleSize = RuntimeConsoleSize(
                height: spec.consoleSize.rows, width: spec.consoleSize.columns)
        }
        process.capabilities = try capabilities(privileged: isPrivileged)
        process.rlimits = rlimits()
        process.noNewPrivileges = security.noNewPrivileges ?? inputs.configuration.noNewPrivileges
        process.apparmorProfile = apparmorProfile
        process.oomScoreAdj = spec.oomScoreAdjustment
        return process
    }

    /// A further process in the container: its environment, directory and rights, with what the exec changes.
    func execProcess(_ exec: ExecSpec) throws(EngineError) -> RuntimeProcess {
        var process = try process()
        process.args = exec.command
        process.env = Self.merge(environment(terminal: exec.terminal), exec.environment)
        if !exec.workingDirectory.isEmpty { process.cwd = exec.workingDirectory }
        process.terminal = exec.terminal
        process.consoleSize = nil
        if exec.isPrivileged {
            process.capabilities = try capabilities(privileged: true)
            process.apparmorProfile = nil
        }
        return process
    }

    private func environment(terminal: Bool) -> [String] {
        var base = [DefaultPaths.searchPath, "HOSTNAME=\(inputs.hostname)"]
        if terminal { base.append("TERM=xterm") }
        return Self.merge(base + inputs.linkEnvironment, spec.process.environment)
    }

    /// Later values replace earlier ones in their place; a name without `=` removes its variable.
    static func merge(_ base: [String], _ changes: [String]) -> [String] {
        var result = base
        for change in changes {
            let name = ContainerSpec.variableName(change)
            let position = result.firstIndex { ContainerSpec.variableName($0) == name }
            guard change.contains("=") else {
                if let position { result.remove(at: position) }
                continue
            }
            if let position {
                result[position] = change
            } else {
                result.append(change)
            }
        }
        return result
    }

    private func capabilities(privileged: Bool) throws(EngineError) -> RuntimeCapabilities {
        var security = spec.security
        if privileged { security.isPrivileged = true }
        let given = Capability.clamp(try Capability.selection(security), inputs.features).given
        return RuntimeCapabilities(bounding: given, effective: given, permitted: given)
    }

    /// The container's own limits, then the daemon's for what it leaves open.
    private func rlimits() -> [RuntimeRlimit] {
        let own = spec.resources.ulimits
        let names = Set(own.map(\.name))
        let all = own + inputs.configuration.defaultUlimits.filter { !names.contains($0.name) }
        return all.map { limit in
            RuntimeRlimit(
                type: RlimitName.specification(limit.name), soft: UInt64(bitPattern: limit.soft),
                hard: UInt64(bitPattern: limit.hard))
        }
    }

    /// What the runtime is to set; nil for nothing.
    var apparmorProfile: String? {
        let profile = security.apparmorProfile(inputs.features, privileged: isPrivileged)
        return profile.isEmpty || profile == "unconfined" ? nil : profile
    }
}
