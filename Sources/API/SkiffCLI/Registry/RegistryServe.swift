import Glibc

/// `registry serve` and `registry collect`: become `skiff-registry`, which is a program of its own so that this one stays
/// small.
enum RegistryServe {
    static func serve() -> Command {
        command("serve", "Serve images to every client of the OCI distribution protocol")
    }

    static func collect() -> Command {
        command("collect", "Remove what nobody uses from a registry that is not running")
    }

    private static func command(_ verb: String, _ summary: String) -> Command {
        Command(
            paths: ["registry \(verb)"], usage: "[OPTIONS]", summary: summary, arguments: .any,
            passesWordsOn: true
        ) { try become($0, verb) }
    }

    private static func become(_ invocation: Invocation, _ verb: String) throws -> Int32 {
        invocation.session.output.flush()
        let places = candidates()
        guard let program = places.first(where: { access($0, X_OK) == 0 }) else {
            throw CommandError(
                .environment, "cannot find skiff-registry: looked for \(places.joined(separator: ", "))")
        }
        var words = ([program, verb] + invocation.arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        execv(program, &words)
        throw CommandError(.environment, "cannot run \(program): \(String(cString: strerror(errno)))")
    }

    private static func candidates() -> [String] {
        var folders: [String] = []
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        if count > 0 {
            let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
            if let slash = path.lastIndex(of: "/") {
                folders += [String(path[..<slash]), "\(path[..<slash])/../libexec/skiff"]
            }
        }
        folders += ["/usr/local/libexec/skiff", "/usr/libexec/skiff", "/usr/lib/skiff"]
        if let path = getenv("PATH") {
            folders += String(cString: path).split(separator: ":").map(String.init).filter {
                $0.hasPrefix("/")
            }
        }
        return folders.map { "\($0)/skiff-registry" }
    }
}
