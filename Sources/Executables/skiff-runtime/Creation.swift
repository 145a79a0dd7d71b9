import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime

/// Options that `create` and `run` share, and what both do with them.
struct Creation {
    static let flags: Set<String> = ["no-pivot", "no-new-keyring", "detach", "keep", "no-subreaper"]
    static let settings: Set<String> = ["bundle", "config", "pid-file", "console-socket", "preserve-fds"]
    static let short: [Character: String] = ["b": "bundle", "d": "detach", "f": "config"]

    let context: RuntimeContext
    let options: Options
    let id: String
    let directory: String
    let bundle: String
    let spec: RuntimeSpec

    init(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) {
        self.context = context
        options = try Options(words, flags: Self.flags, settings: Self.settings, short: Self.short)
        id = try options.identifier()
        directory = try context.directory(id)
        bundle = try Bundle.absolute(options["bundle"] ?? ".")
        spec = try Bundle.specification(file: options["config"] ?? "\(bundle)/config.json")
    }

    /// Makes the state directory, which is what reserves the id.
    func reserve() throws(CommandError) {
        try system("state directory") { () throws(SystemCallError) in
            try makeDirectories(context.root, mode: 0o700)
        }
        guard mkdir(directory, 0o700) == 0 else {
            let error = SystemCallError(call: "mkdir", subject: directory)
            throw CommandError(
                error.errno == EEXIST ? "container with given ID already exists: \(id)" : "\(error)")
        }
    }

    /// As `CgroupHost.create` takes it: a path, or `slice:prefix:name` for systemd.
    var cgroupPath: String {
        let wished = spec.linux.cgroupsPath ?? ""
        if context.usesSystemd { return wished.isEmpty ? ":skiff:\(id)" : wished }
        return wished.isEmpty ? "/\(id)" : wished.hasPrefix("/") ? wished : "/\(wished)"
    }

    func makeCgroup() throws(CommandError) -> any Cgroup {
        let path = cgroupPath
        let isForSystemd = path.split(separator: ":", omittingEmptySubsequences: false).count == 3
        guard context.usesSystemd == isForSystemd else {
            throw CommandError(
                context.usesSystemd
                    ? "linux.cgroupsPath \(path): --systemd-cgroup wants SLICE:PREFIX:NAME"
                    : "linux.cgroupsPath \(path) is for systemd: use --systemd-cgroup")
        }
        return try cgroup { () throws(CgroupError) in
            try CgroupHost.discover().create(path, spec.linux.resources.allowingDefaultDevices)
        }
    }

    /// After a failure; what cannot be removed is reported, and the first failure stays the answer.
    func remove(_ group: any Cgroup) {
        do throws(CgroupError) {
            try group.killAll()
            try group.remove()
        } catch {
            context.log.warning(error.message)
        }
    }

    func configuration(_ group: any Cgroup) throws(CommandError) -> ContainerConfiguration {
        guard let root = spec.root else { throw CommandError("runtime specification: root is missing") }
        let path = root.path.hasPrefix("/") ? root.path : "\(bundle)/\(root.path)"
        var configuration = ContainerConfiguration(id: id, spec: spec, rootFilesystem: .directory(path))
        configuration.bundle = bundle
        configuration.cgroup = group
        configuration.usesPivotRoot = !options.has("no-pivot")
        configuration.preservedDescriptors = try options.integer("preserve-fds") ?? 0
        if spec.process?.terminal == true { configuration.streams = .console(spec.process?.consoleSize) }
        if let filter = spec.linux.seccomp {
            configuration.seccomp = try runtime { () throws(RuntimeError) in
                try SeccompCache(directory: context.seccompCache).program(for: filter)
            }
        }
        return configuration
    }

    func record(_ process: ContainerProcess, _ group: any Cgroup) throws(CommandError) -> ContainerRecord {
        let root = spec.root?.path ?? ""
        let record = ContainerRecord(
            id: id, bundle: bundle, rootFilesystem: root.hasPrefix("/") ? root : "\(bundle)/\(root)",
            pid: process.processID, created: .now, cgroupPath: cgroupPath)
        try record.write(to: directory)
        return record
    }

    /// Creates the container, ready to start. After a failure nothing of it is left.
    /// - Parameter waitsForStarter: whether another process will start it
    func create(waitsForStarter: Bool) throws(CommandError) -> CreatedContainer {
        try reserve()
        var group: (any Cgroup)?
        var process: ContainerProcess?
        do throws(CommandError) {
            let made = try makeCgroup()
            group = made
            let configuration = try configuration(made)
            let created = try runtime { () throws(RuntimeError) in
                try ContainerProcess.create(configuration, startDirectory: waitsForStarter ? directory : nil)
            }
            process = created
            let record = try record(created, made)
            try runtime { () throws(RuntimeError) in try created.waitUntilPrepared() }
            let console = created.takeConsole()
            if let console, let path = options["console-socket"] { try ConsoleSocket.send(console, to: path) }
            if let file = options["pid-file"] { try PidFile.write(file, created.processID) }
            return CreatedContainer(
                process: created, group: made, record: record, console: console)
        } catch {
            process?.abandon()
            if let group { remove(group) }
            do throws(CommandError) {
                try StateDirectory.remove(directory)
            } catch let second {
                context.log.warning(second.message)
            }
            throw error
        }
    }
}

struct CreatedContainer {
    let process: ContainerProcess
    let group: any Cgroup
    let record: ContainerRecord
    let console: SharedDescriptor?
}
