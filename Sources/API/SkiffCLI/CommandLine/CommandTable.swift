/// Every command. An entry's command is made only when it is used, so a large table costs a plain command nothing.
enum CommandTable {
    struct Entry: Sendable {
        /// The management form first.
        let paths: [String]
        let make: @Sendable () -> Command
    }

    static let entries: [Entry] =
        containerEntries + imageEntries + networkEntries + volumeEntries + registryEntries + systemEntries

    private static let containerEntries: [Entry] = [
        Entry(paths: ["container attach", "attach"], make: ContainerAttach.command),
        Entry(paths: ["container commit", "commit"], make: ContainerCommit.command),
        Entry(paths: ["container cp", "cp"], make: ContainerCopy.command),
        Entry(paths: ["container create", "create"], make: ContainerCreate.command),
        Entry(paths: ["container diff", "diff"], make: ContainerDiff.command),
        Entry(paths: ["container exec", "exec"], make: ContainerExec.command),
        Entry(paths: ["container export", "export"], make: ContainerExport.command),
        Entry(paths: ["container inspect"], make: ContainerInspect.command),
        Entry(paths: ["container kill", "kill"], make: ContainerKill.command),
        Entry(paths: ["container logs", "logs"], make: ContainerLogs.command),
        Entry(
            paths: ["container ls", "container list", "container ps", "ps"], make: ContainerList.command),
        Entry(paths: ["container pause", "pause"], make: ContainerPause.command),
        Entry(paths: ["container port", "port"], make: ContainerPort.command),
        Entry(paths: portAddition, make: PortChange.add),
        Entry(paths: portRemoval, make: PortChange.remove),
        Entry(paths: ["container prune"], make: ContainerPrune.command),
        Entry(paths: ["container rename", "rename"], make: ContainerRename.command),
        Entry(paths: ["container restart", "restart"], make: ContainerRestart.command),
        Entry(paths: ["container rm", "container remove", "rm"], make: ContainerRemove.command),
        Entry(paths: ["container run", "run"], make: ContainerRun.command),
        Entry(paths: ["container start", "start"], make: ContainerStart.command),
        Entry(paths: ["container stats", "stats"], make: ContainerStats.command),
        Entry(paths: ["container stop", "stop"], make: ContainerStop.command),
        Entry(paths: ["container top", "top"], make: ContainerTop.command),
        Entry(paths: ["container unpause", "unpause"], make: ContainerUnpause.command),
        Entry(paths: ["container update", "update"], make: ContainerUpdate.command),
        Entry(paths: ["container wait", "wait"], make: ContainerWait.command),
    ]

    private static let imageEntries: [Entry] = [
        Entry(paths: ["image history", "history"], make: ImageHistory.command),
        Entry(paths: ["image import", "import"], make: ImageImport.command),
        Entry(paths: ["image inspect"], make: ImageInspect.command),
        Entry(paths: ["image load", "load"], make: ImageLoad.command),
        Entry(paths: ["image ls", "image list", "images"], make: ImageList.command),
        Entry(paths: ["image prune"], make: ImagePrune.command),
        Entry(paths: ["image pull", "pull"], make: ImagePull.command),
        Entry(paths: ["image push", "push"], make: ImagePush.command),
        Entry(paths: ["manifest annotate"], make: ManifestAnnotate.command),
        Entry(paths: ["manifest create"], make: ManifestCreate.command),
        Entry(paths: ["manifest inspect"], make: ManifestInspect.command),
        Entry(paths: ["manifest push"], make: ManifestPush.command),
        Entry(paths: ["manifest rm"], make: ManifestRemove.command),
        Entry(paths: ["login"], make: RegistryLogin.command),
        Entry(paths: ["logout"], make: RegistryLogout.command),
        Entry(paths: ["search"], make: RegistrySearch.command),
        Entry(paths: ["image rm", "image remove", "rmi"], make: ImageRemove.command),
        Entry(paths: ["image save", "save"], make: ImageSave.command),
        Entry(paths: ["image tag", "tag"], make: ImageTag.command),
    ]

    private static let networkEntries: [Entry] = [
        Entry(paths: ["network audit"], make: NetworkAudit.command),
        Entry(paths: ["network connect"], make: NetworkConnect.command),
        Entry(paths: ["network create"], make: NetworkCreate.command),
        Entry(paths: ["network disconnect"], make: NetworkDisconnect.command),
        Entry(paths: ["network inspect"], make: NetworkInspect.command),
        Entry(paths: ["network ls", "network list"], make: NetworkList.command),
        Entry(paths: ["network prune"], make: NetworkPrune.command),
        Entry(paths: ["network rm", "network remove"], make: NetworkRemove.command),
    ]

    private static let volumeEntries: [Entry] = [
        Entry(paths: ["volume clone"], make: VolumeClone.command),
        Entry(paths: ["volume create"], make: VolumeCreate.command),
        Entry(paths: ["volume export"], make: VolumeExport.command),
        Entry(paths: ["volume import"], make: VolumeImport.command),
        Entry(paths: ["volume inspect"], make: VolumeInspect.command),
        Entry(paths: ["volume ls", "volume list"], make: VolumeList.command),
        Entry(paths: ["volume prune"], make: VolumePrune.command),
        Entry(paths: ["volume rename"], make: VolumeRename.command),
        Entry(paths: ["volume rm", "volume remove"], make: VolumeRemove.command),
        Entry(paths: ["volume snapshot create"], make: VolumeSnapshot.create),
        Entry(paths: ["volume snapshot ls", "volume snapshot list"], make: VolumeSnapshot.list),
        Entry(paths: ["volume snapshot restore"], make: VolumeSnapshot.restore),
        Entry(paths: ["volume snapshot rm", "volume snapshot remove"], make: VolumeSnapshot.remove),
        Entry(paths: ["volume update"], make: VolumeUpdate.command),
    ]

    private static let registryEntries: [Entry] = [
        Entry(paths: ["registry collect"], make: RegistryServe.collect),
        Entry(paths: ["registry serve"], make: RegistryServe.serve),
    ]

    private static let systemEntries: [Entry] = [
        Entry(paths: ["inspect"], make: ObjectInspect.command),
        Entry(paths: ["system df"], make: SystemDiskUsage.command),
        Entry(paths: ["system prune"], make: SystemPrune.command),
        Entry(paths: ["system events", "events"], make: SystemEvents.command),
        Entry(paths: ["system info", "info"], make: SystemInfo.command),
        Entry(paths: ["version"], make: SystemVersion.command),
        Entry(paths: ["completion"], make: ShellCompletion.command),
    ]

    static func command(at path: String) -> Command? {
        entries.first { $0.paths.contains(path) }?.make()
    }

    private static let portAddition = ["container port add", "port add"]
    private static let portRemoval = ["container port rm", "port rm"]

    /// The command that a line begins with, by its longest path, and how many words that is.
    /// - Parameter program: under the name `docker`, `port add` lists the ports of a container called `add`
    static func find(_ words: [String], program: String) -> (command: Command, length: Int)? {
        for length in stride(from: min(words.count, 3), to: 0, by: -1) {
            let path = words.prefix(length).joined(separator: " ")
            let isOwn = portAddition.contains(path) || portRemoval.contains(path)
            if isOwn, program == "docker" { continue }
            if let command = command(at: path) { return (command, length) }
        }
        return nil
    }

    static func isGroup(_ name: String) -> Bool {
        entries.contains { $0.paths.contains { $0.hasPrefix(name + " ") } } || unbuiltGroups.contains(name)
    }

    /// The commands of a group, each under its first name.
    static func members(of group: String) -> [(name: String, summary: String)] {
        entries.filter { $0.paths[0].hasPrefix(group + " ") }
            .map { (String($0.paths[0].dropFirst(group.count + 1)), $0.make().summary) }
            .sorted { $0.0 < $1.0 }
    }

    static func groupSummary(_ name: String) -> String {
        switch name {
        case "container": "Work with containers"
        case "image": "Work with images"
        case "manifest": "Work with lists of manifests"
        case "network": "Work with networks"
        case "registry": "Serve images"
        case "system": "Work with the engine as a whole"
        case "volume": "Work with volumes"
        default: "Not built yet"
        }
    }

    static let groups = ["container", "image", "manifest", "network", "registry", "system", "volume"]

    /// The sections of the program's own help.
    static var overview: [(title: String, entries: [(name: String, summary: String)])] {
        let common = ["run", "exec", "ps", "images", "version", "info"]
        let tops = entries.flatMap { entry in
            entry.paths.filter { !$0.contains(" ") }.map { ($0, entry.make().summary) }
        }
        let commonEntries = common.compactMap { name in tops.first { $0.0 == name } }
        return [
            ("Common Commands", commonEntries.map { (name: $0.0, summary: $0.1) }),
            ("Management Commands", groups.map { (name: $0, summary: groupSummary($0)) }),
            (
                "Commands",
                tops.filter { !common.contains($0.0) }.sorted { $0.0 < $1.0 }.map {
                    (name: $0.0, summary: $0.1)
                }
            ),
        ]
    }

    // MARK: Docker's commands that are not built yet

    private static let unbuiltGroups: Set<String> = [
        "builder", "buildx", "checkpoint", "compose", "config", "context", "model", "node",
        "plugin",
        "scout", "secret", "service", "stack", "swarm", "trust",
    ]

    private static let unbuiltCommands: Set<String> = [
        "bake", "build", "scan",
    ]

    private static let unbuiltMembers: [String: Set<String>] = [
        "image": ["build"],
        "system": ["dial-stdio"],
    ]

    /// Whether Docker has this command and Skiff not yet.
    static func isUnbuilt(_ words: [String]) -> Bool {
        guard let first = words.first else { return false }
        if unbuiltGroups.contains(first) || unbuiltCommands.contains(first) { return true }
        guard words.count > 1 else { return false }
        return unbuiltMembers[first]?.contains(words[1]) == true
    }
}
