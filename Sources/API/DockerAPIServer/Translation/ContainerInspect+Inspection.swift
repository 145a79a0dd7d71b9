import DockerAPI
import Engine
import OCIModel

extension ContainerInspect {
    init(_ inspection: ContainerInspection, size: ContainerSize?, version: APIVersion) {
        self.init()
        id = inspection.id
        created = inspection.created.description
        path = inspection.path
        args = inspection.arguments
        state = DockerAPI.ContainerState(inspection)
        image = inspection.imageID
        resolvConfPath = inspection.paths.resolvConf
        hostnamePath = inspection.paths.hostname
        hostsPath = inspection.paths.hosts
        logPath = inspection.paths.log
        name = "/" + inspection.name
        restartCount = inspection.restartCount
        driver = inspection.graph.driver
        platform = inspection.os
        appArmorProfile = inspection.appArmorProfile
        execIDs = inspection.execIDs.isEmpty ? nil : inspection.execIDs
        hostConfig = HostConfig(inspection.spec, logDriver: inspection.logDriver, version: version)
        graphDriver = GraphDriver(inspection.graph)
        sizeRw = size?.writable
        sizeRootFs = size?.root
        mounts = inspection.mounts.map(DockerAPI.MountPoint.init)
        config = ContainerConfig(inspection.spec)
        networkSettings = NetworkSettings(inspection, version: version)
    }
}

extension DockerAPI.ContainerState {
    init(_ inspection: ContainerInspection) {
        self.init()
        let state = inspection.state
        status = state.status
        running = state.isActive
        restarting = state.isRestarting
        paused = state.isPaused
        if case .dead = state { dead = true }
        oomKilled = inspection.outOfMemory
        pid = Int(state.runningState?.pid ?? 0)
        exitCode = Int(inspection.exitCode)
        error = inspection.lastError
        startedAt = inspection.startedAt.description
        finishedAt = inspection.finishedAt.description
        health = inspection.health.map(Health.init)
    }
}

extension Health {
    init(_ state: HealthState) {
        self.init()
        status = state.status.rawValue
        failingStreak = state.failingStreak
        log = state.log.map(DockerAPI.HealthResult.init)
    }
}

extension DockerAPI.HealthResult {
    init(_ result: EngineHealthResult) {
        self.init()
        start = result.start.description
        end = result.end.description
        exitCode = Int(result.exitCode)
        output = result.output
    }
}

extension GraphDriver {
    init(_ graph: GraphPaths) {
        self.init()
        name = graph.driver
        // Docker's vfs shows nothing of where it keeps things.
        guard graph.driver == "overlay2" else { return }
        data = [
            "LowerDir": graph.lower.joined(separator: ":"), "MergedDir": graph.merged,
            "UpperDir": graph.upper,
            "WorkDir": graph.work,
        ]
    }
}

extension DockerAPI.MountPoint {
    init(_ mount: EngineMountPoint) {
        self.init()
        type = mount.kind.rawValue
        name = mount.name
        source = mount.source
        destination = mount.destination
        driver = mount.driver
        mode = mount.mode
        isWritable = mount.isWritable
        propagation = mount.propagation
    }
}
