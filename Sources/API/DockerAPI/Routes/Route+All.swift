extension Route {
    /// Every route that dockerd registers, and Skiff's own; where two fit, the earlier one is meant.
    package static let all: [Route] =
        Self.system + Self.containers + Self.images + Self.networks + Self.volumes + Self.plugins + Self.swarm
        + Self.own

    private static let system: [Route] = [
        Route(.get, "/debug/vars", .debugVars),
        Route(.get, "/system/df", .systemDataUsage),
        Route(.get, "/_ping", .systemPing),
        Route(.get, "/events", .systemEvents),
        Route(.get, "/info", .systemInfo),
        Route(.get, "/version", .systemVersion),
        Route(.head, "/_ping", .systemPingHead),
        Route(.post, "/auth", .systemAuth),
        Route(.post, "/grpc", .grpc),
        Route(.post, "/session", .session),
    ]

    private static let containers: [Route] = [
        Route(.get, "/containers/json", .containerList),
        Route(.post, "/containers/create", .containerCreate),
        Route(.post, "/containers/prune", .containerPrune),
        Route(.delete, "/containers/{name}/checkpoints/{checkpoint}", .checkpointDelete),
        Route(.get, "/containers/{name:.*}/attach/ws", .containerAttachWebsocket),
        Route(.get, "/containers/{name:.*}/archive", .containerArchive),
        Route(.get, "/containers/{name:.*}/changes", .containerChanges),
        Route(.get, "/containers/{name:.*}/checkpoints", .checkpointList),
        Route(.get, "/containers/{name:.*}/export", .containerExport),
        Route(.get, "/containers/{name:.*}/json", .containerInspect),
        Route(.get, "/containers/{name:.*}/logs", .containerLogs),
        Route(.get, "/containers/{name:.*}/stats", .containerStats),
        Route(.get, "/containers/{name:.*}/top", .containerTop),
        Route(.get, "/exec/{id:.*}/json", .execInspect),
        Route(.head, "/containers/{name:.*}/archive", .containerArchiveInfo),
        Route(.post, "/containers/{name:.*}/attach", .containerAttach),
        Route(.post, "/containers/{name:.*}/checkpoints", .checkpointCreate),
        Route(.post, "/containers/{name:.*}/exec", .containerExec),
        Route(.post, "/containers/{name:.*}/kill", .containerKill),
        Route(.post, "/containers/{name:.*}/pause", .containerPause),
        Route(.post, "/containers/{name:.*}/rename", .containerRename),
        Route(.post, "/containers/{name:.*}/resize", .containerResize),
        Route(.post, "/containers/{name:.*}/restart", .containerRestart),
        Route(.post, "/containers/{name:.*}/start", .containerStart),
        Route(.post, "/containers/{name:.*}/stop", .containerStop),
        Route(.post, "/containers/{name:.*}/unpause", .containerUnpause),
        Route(.post, "/containers/{name:.*}/update", .containerUpdate),
        Route(.post, "/containers/{name:.*}/wait", .containerWait),
        Route(.post, "/exec/{name:.*}/resize", .execResize),
        Route(.post, "/exec/{name:.*}/start", .execStart),
        Route(.put, "/containers/{name:.*}/archive", .putContainerArchive),
        Route(.delete, "/containers/{name:.*}", .containerDelete),
    ]

    private static let images: [Route] = [
        Route(.get, "/images/get", .imageGetAll),
        Route(.get, "/images/json", .imageList),
        Route(.get, "/images/search", .imageSearch),
        Route(.post, "/build/cancel", .buildCancel),
        Route(.post, "/build/prune", .buildPrune),
        Route(.post, "/images/create", .imageCreate),
        Route(.post, "/images/load", .imageLoad),
        Route(.post, "/images/prune", .imagePrune),
        Route(.post, "/build", .imageBuild),
        Route(.post, "/commit", .imageCommit),
        Route(.get, "/distribution/{name:.*}/json", .distributionInspect),
        // Not Docker's: `skiff manifest` has no registry client of its own.
        Route(.get, "/distribution/{name:.*}/manifest", .distributionManifest),
        Route(.post, "/distribution/{name:.*}/manifest", .distributionManifestPush),
        Route(.get, "/images/{name:.*}/attestations", .imageAttestations),
        Route(.get, "/images/{name:.*}/get", .imageGet),
        Route(.get, "/images/{name:.*}/history", .imageHistory),
        Route(.get, "/images/{name:.*}/json", .imageInspect),
        Route(.post, "/images/{name:.*}/push", .imagePush),
        Route(.post, "/images/{name:.*}/tag", .imageTag),
        Route(.delete, "/images/{name:.*}", .imageDelete),
    ]

    private static let networks: [Route] = [
        Route(.post, "/networks/create", .networkCreate),
        Route(.post, "/networks/prune", .networkPrune),
        Route(.get, "/networks", .networkList),
        Route(.post, "/networks/{id:.*}/connect", .networkConnect),
        Route(.post, "/networks/{id:.*}/disconnect", .networkDisconnect),
        Route(.delete, "/networks/{id:.*}", .networkDelete),
        Route(.get, "/networks/{id:.+}", .networkInspect),
    ]

    /// What Docker cannot do: under a prefix that it will not take.
    private static let own: [Route] = [
        Route(.post, "/skiff/containers/{name:.*}/ports/add", .containerPortAdd),
        Route(.post, "/skiff/containers/{name:.*}/ports/remove", .containerPortRemove),
        Route(.get, "/skiff/networks/audit", .networkAudit),
        Route(.post, "/skiff/volumes/import", .volumeImport),
        Route(.post, "/skiff/volumes/{name}/clone", .volumeClone),
        Route(.get, "/skiff/volumes/{name}/export", .volumeExport),
        Route(.post, "/skiff/volumes/{name}/rename", .volumeRename),
        Route(.get, "/skiff/volumes/{name}/snapshots", .volumeSnapshotList),
        Route(.post, "/skiff/volumes/{name}/snapshots", .volumeSnapshotCreate),
        Route(.post, "/skiff/volumes/{name}/snapshots/{snapshot}/restore", .volumeSnapshotRestore),
        Route(.delete, "/skiff/volumes/{name}/snapshots/{snapshot}", .volumeSnapshotRemove),
    ]

    private static let volumes: [Route] = [
        Route(.post, "/volumes/create", .volumeCreate),
        Route(.post, "/volumes/prune", .volumePrune),
        Route(.get, "/volumes", .volumeList),
        Route(.delete, "/volumes/{name:.*}", .volumeDelete),
        Route(.get, "/volumes/{name:.*}", .volumeInspect),
        Route(.put, "/volumes/{name:.*}", .volumeUpdate),
    ]

    private static let plugins: [Route] = [
        Route(.get, "/plugins/privileges", .getPluginPrivileges),
        Route(.post, "/plugins/create", .pluginCreate),
        Route(.post, "/plugins/pull", .pluginPull),
        Route(.get, "/plugins", .pluginList),
        Route(.get, "/plugins/{name:.*}/json", .pluginInspect),
        Route(.post, "/plugins/{name:.*}/disable", .pluginDisable),
        Route(.post, "/plugins/{name:.*}/enable", .pluginEnable),
        Route(.post, "/plugins/{name:.*}/push", .pluginPush),
        Route(.post, "/plugins/{name:.*}/set", .pluginSet),
        Route(.post, "/plugins/{name:.*}/upgrade", .pluginUpgrade),
        Route(.delete, "/plugins/{name:.*}", .pluginDelete),
    ]

    private static let swarm: [Route] = [
        Route(.get, "/swarm/unlockkey", .swarmUnlockkey),
        Route(.post, "/configs/create", .configCreate),
        Route(.post, "/secrets/create", .secretCreate),
        Route(.post, "/services/create", .serviceCreate),
        Route(.post, "/swarm/init", .swarmInit),
        Route(.post, "/swarm/join", .swarmJoin),
        Route(.post, "/swarm/leave", .swarmLeave),
        Route(.post, "/swarm/unlock", .swarmUnlock),
        Route(.post, "/swarm/update", .swarmUpdate),
        Route(.get, "/configs", .configList),
        Route(.get, "/nodes", .nodeList),
        Route(.get, "/secrets", .secretList),
        Route(.get, "/services", .serviceList),
        Route(.get, "/swarm", .swarmInspect),
        Route(.get, "/tasks", .taskList),
        Route(.get, "/services/{id}/logs", .serviceLogs),
        Route(.get, "/tasks/{id}/logs", .taskLogs),
        Route(.post, "/configs/{id}/update", .configUpdate),
        Route(.post, "/nodes/{id}/update", .nodeUpdate),
        Route(.post, "/secrets/{id}/update", .secretUpdate),
        Route(.post, "/services/{id}/update", .serviceUpdate),
        Route(.delete, "/configs/{id}", .configDelete),
        Route(.delete, "/nodes/{id}", .nodeDelete),
        Route(.delete, "/secrets/{id}", .secretDelete),
        Route(.delete, "/services/{id}", .serviceDelete),
        Route(.get, "/configs/{id}", .configInspect),
        Route(.get, "/nodes/{id}", .nodeInspect),
        Route(.get, "/secrets/{id}", .secretInspect),
        Route(.get, "/services/{id}", .serviceInspect),
        Route(.get, "/tasks/{id}", .taskInspect),
    ]
}
