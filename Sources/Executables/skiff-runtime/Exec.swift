import Cgroups
import Glibc
import JSONCodec
import LinuxKernel
import OCIModel
import OCIRuntime

/// `exec [options] ID COMMAND…` or `exec --process FILE ID`: a further process in a running container.
enum Exec {
    private static let flags: Set<String> = [
        "tty", "detach", "no-new-privs", "ignore-paused", "no-subreaper",
    ]
    private static let settings: Set<String> = [
        "console-socket", "cwd", "env", "user", "additional-gids", "process", "pid-file", "cap",
        "preserve-fds",
        "apparmor", "process-label", "cgroup",
    ]
    private static let short: [Character: String] = [
        "t": "tty", "d": "detach", "e": "env", "u": "user", "g": "additional-gids", "p": "process",
        "c": "cap",
    ]

    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(
            words, flags: flags, settings: settings, short: short, stopsAfter: 1)
        guard let id = options.positional.first else { throw CommandError("exec needs a container id") }
        let directory = try context.directory(id)
        let record = try ContainerRecord(readingFrom: directory, id: id)
        switch try record.status(in: directory) {
        case .stopped: throw CommandError("cannot exec in a stopped container")
        case .paused where !options.has("ignore-paused"):
            throw CommandError("cannot exec in a paused container (use --ignore-paused to override)")
        default: break
        }
        let configuration = try configuration(options, record, context)
        let signals = try Foreground.collectSignals()
        let process = try runtime { () throws(RuntimeError) in
            try ExecProcess.start(configuration, in: record.pid)
        }
        if let file = options["pid-file"] { try PidFile.write(file, process.processID) }
        let console = process.takeConsole()
        if let console, let path = options["console-socket"] { try ConsoleSocket.send(console, to: path) }
        if options.has("detach") { return 0 }
        let proxied = options["console-socket"] == nil ? console : nil
        return try Foreground(proxied, pidfd: process.pidfd, signals: signals).wait().code
    }

    private static func configuration(
        _ options: Options, _ record: ContainerRecord, _ context: RuntimeContext
    ) throws(CommandError) -> ExecConfiguration {
        let spec = try record.specification()
        let process = try process(options, spec)
        var configuration = ExecConfiguration(process: process)
        configuration.cgroup = try record.cgroupIfAny()
        configuration.preservedDescriptors = try options.integer("preserve-fds") ?? 0
        if process.terminal {
            guard options["console-socket"] != nil || !options.has("detach") else {
                throw CommandError("exec --detach with a terminal needs --console-socket")
            }
            configuration.streams = .console(process.consoleSize)
        }
        if let filter = spec.linux.seccomp {
            configuration.seccomp = try runtime { () throws(RuntimeError) in
                try SeccompCache(directory: context.seccompCache).program(for: filter)
            }
        }
        return configuration
    }

    private static func process(_ options: Options, _ spec: RuntimeSpec) throws(CommandError)
        -> RuntimeProcess
    {
        if let group = options["cgroup"], group != "/" {
            throw CommandError("exec --cgroup \(group): groups below the container's own are not built yet")
        }
        if let file = options["process"] {
            let value = try Bundle.json(file)
            do throws(RuntimeSpecError) {
                return try RuntimeProcess(json: value)
            } catch {
                throw CommandError(error.message)
            }
        }
        var process = spec.process ?? RuntimeProcess(args: [])
        process.args = Array(options.positional.dropFirst())
        guard !process.args.isEmpty else { throw CommandError("exec needs a command or --process") }
        process.terminal = options.has("tty")
        process.consoleSize = nil
        if let cwd = options["cwd"] { process.cwd = cwd }
        for variable in options.all("env") { set(variable, in: &process.env) }
        if let profile = options["apparmor"] { process.apparmorProfile = profile }
        if options.has("no-new-privs") { process.noNewPrivileges = true }
        if let user = options["user"] { process.user = try parse(user) }
        for group in options.all("additional-gids").flatMap({ $0.split(separator: ",") }) {
            guard let number = UInt32(group) else {
                throw CommandError("--additional-gids: \(group) is no number")
            }
            process.user.additionalGids.append(number)
        }
        for capability in options.all("cap") {
            process.capabilities?.bounding.append(capability)
            process.capabilities?.effective.append(capability)
            process.capabilities?.permitted.append(capability)
        }
        return process
    }

    private static func set(_ variable: String, in environment: inout [String]) {
        let name = variable.prefix { $0 != "=" } + "="
        environment.removeAll { $0.hasPrefix(name) }
        environment.append(variable)
    }

    private static func parse(_ text: String) throws(CommandError) -> RuntimeUser {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        guard (1...2).contains(parts.count), let uid = parts[0], let gid = parts.count > 1 ? parts[1] : 0
        else {
            throw CommandError("--user \(text): must be uid or uid:gid, in numbers")
        }
        return RuntimeUser(uid: uid, gid: gid)
    }
}
