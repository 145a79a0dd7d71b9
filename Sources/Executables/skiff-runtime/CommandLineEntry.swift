import LinuxKernel
import OCIRuntime

/// The program's front door: options before the command, then one of the commands.
enum CommandLineEntry {
    private typealias Command = (ArraySlice<String>, RuntimeContext) throws(CommandError) -> Int32

    private static let usage = """
        Usage: skiff-runtime [--root DIR] [--log FILE] [--log-format text|json] [--debug] [--systemd-cgroup]
               COMMAND [OPTIONS] [ID]

        Commands: create start state kill delete exec run list ps pause resume update events spec features
        """

    /// - Returns: the exit status
    static func run(_ arguments: [String]) -> Int32 {
        var log = Log(path: nil, isJSON: false, debugs: false)
        do throws(CommandError) {
            let options = try Options(
                arguments.dropFirst(),
                flags: ["debug", "systemd-cgroup", "version", "help"],
                settings: [
                    "root", "log", "log-format", "seccomp-cache", "rootless", "log-level", "cgroup-manager",
                    "criu",
                ],
                short: ["h": "help", "v": "version"], stopsAfter: 1)
            log = try makeLog(options)
            return try dispatch(options, log)
        } catch {
            log.error(error.message)
            return error.status
        }
    }

    private static func makeLog(_ options: Options) throws(CommandError) -> Log {
        let format = options["log-format"] ?? "text"
        guard ["text", "json"].contains(format) else {
            throw CommandError("--log-format \(format): must be text or json")
        }
        // `file:PATH` is crun's way to write it.
        let path = options["log"].map { $0.hasPrefix("file:") ? String($0.dropFirst(5)) : $0 }
        return Log(path: path, isJSON: format == "json", debugs: options.has("debug"))
    }

    private static func dispatch(_ options: Options, _ log: Log) throws(CommandError) -> Int32 {
        if options.has("version") {
            try standardOutput(Features.version)
            return 0
        }
        guard let name = options.positional.first, !options.has("help") else {
            try standardOutput(usage)
            return options.has("help") ? 0 : 1
        }
        let context = RuntimeContext(
            root: options["root"] ?? "/run/skiff-runtime", log: log,
            seccompCache: options["seccomp-cache"] ?? SeccompCache.defaultDirectory,
            usesSystemd: options.has("systemd-cgroup") || options["cgroup-manager"] == "systemd")
        guard let command = command(name) else {
            throw CommandError("unknown command \(name): see skiff-runtime --help")
        }
        if ["create", "run", "exec"].contains(name) {
            try system("protecting the runtime's program") { () throws(SystemCallError) in
                try ProtectedExecutable.becomeProtected(CommandLine.arguments)
            }
        }
        log.debug("\(options.positional.joined(separator: " "))")
        return try command(options.positional.dropFirst(), context)
    }

    private static func command(_ name: String) -> Command? {
        switch name {
        case "create": Create.run
        case "start": Start.run
        case "run": Run.run
        case "state": State.run
        case "kill": Kill.run
        case "delete": Delete.run
        case "exec": Exec.run
        case "list": List.run
        case "ps": ProcessList.run
        case "pause": Pause.run
        case "resume": Resume.run
        case "update": Update.run
        case "events": Events.run
        case "spec": Spec.run
        case "features": Features.run
        case "checkpoint", "restore":
            { (_, _) throws(CommandError) in throw CommandError("\(name) is not built yet") }
        default: nil
        }
    }
}
