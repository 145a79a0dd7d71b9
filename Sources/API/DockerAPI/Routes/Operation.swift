/// An operation of Docker's Engine API, named as its definition names it.
package enum Operation: String, Sendable, CaseIterable {
    // system
    case systemPing, debugVars, systemEvents, systemInfo, systemDataUsage, systemVersion
    case systemPingHead, systemAuth, grpc, session
    // containers
    case containerDelete, checkpointDelete, containerList, containerArchive
    case containerAttachWebsocket, containerChanges, checkpointList, containerExport
    case containerInspect, containerLogs, containerStats, containerTop, execInspect
    case containerArchiveInfo, containerCreate, containerPrune, containerAttach, checkpointCreate
    case containerExec, containerKill, containerPause, containerRename, containerResize
    case containerRestart, containerStart, containerStop, containerUnpause, containerUpdate
    case containerWait, execResize, execStart, putContainerArchive
    // images
    case imageDelete, distributionInspect, imageGetAll, imageList, imageSearch, imageAttestations
    case imageGet, imageHistory, imageInspect, imageBuild, buildCancel, buildPrune, imageCommit
    case imageCreate, imageLoad, imagePrune, imagePush, imageTag
    // images, Skiff's own
    case distributionManifest, distributionManifestPush
    // networks
    case networkDelete, networkList, networkInspect, networkCreate, networkPrune, networkConnect
    case networkDisconnect
    // Skiff's own, below /skiff
    case containerPortAdd, containerPortRemove, networkAudit
    // volumes
    case volumeDelete, volumeList, volumeInspect, volumeCreate, volumePrune, volumeUpdate
    // volumes, Skiff's own
    case volumeClone, volumeRename, volumeSnapshotCreate, volumeSnapshotList, volumeSnapshotRestore
    case volumeSnapshotRemove, volumeExport, volumeImport
    // plugins
    case pluginDelete, pluginList, getPluginPrivileges, pluginInspect, pluginCreate, pluginPull
    case pluginDisable, pluginEnable, pluginPush, pluginSet, pluginUpgrade
    // swarm
    case configDelete, nodeDelete, secretDelete, serviceDelete, configList, configInspect
    case nodeList, nodeInspect, secretList, secretInspect, serviceList, serviceInspect
    case serviceLogs, swarmInspect, swarmUnlockkey, taskList, taskInspect, taskLogs, configCreate
    case configUpdate, nodeUpdate, secretCreate, secretUpdate, serviceCreate, serviceUpdate
    case swarmInit, swarmJoin, swarmLeave, swarmUnlock, swarmUpdate
}
