import LinuxKernel
import RegistryServer

/// What the command line asks for.
enum Command {
    case help, check
    case serve(RegistrySettings)
    case collect(RegistrySettings)

    init(_ arguments: [String]) throws {
        guard let verb = arguments.first, verb != "--help", verb != "-h", verb != "help" else {
            self = .help
            return
        }
        var flags = try Self.flags(Array(arguments.dropFirst()))
        if flags.contains(where: { $0.name == "help" }) {
            self = .help
            return
        }
        let validates = flags.contains { $0.name == "validate" }
        flags.removeAll { $0.name == "validate" }
        let file = try flags.last { $0.name == "config" }.map { try readFile($0.value, limit: 4 << 20) }
        flags.removeAll { $0.name == "config" }
        var reader = SettingsReader()
        let settings = try reader.read(file: file, flags: flags)
        switch verb {
        case "serve": self = validates ? .check : .serve(settings)
        case "collect": self = .collect(settings)
        default: throw Self.refusal("unknown command \"\(verb)\": expected serve or collect")
        }
    }

    private static func flags(_ arguments: [String]) throws -> [(name: String, value: String)] {
        var flags: [(name: String, value: String)] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") || argument == "-h" else {
                throw refusal("unexpected argument \"\(argument)\"")
            }
            if argument == "-h" {
                flags.append(("help", ""))
                continue
            }
            let parts = argument.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let isSwitch =
                ["help", "validate"].contains(name)
                || SettingsReader.keys.contains { $0.name == name && $0.value.isEmpty }
            if parts.count == 2 {
                flags.append((name, String(parts[1])))
            } else if isSwitch {
                flags.append((name, "true"))
            } else {
                guard name == "config" || SettingsReader.keys.contains(where: { $0.name == name }) else {
                    throw refusal("unknown flag --\(name)")
                }
                guard let value = rest.popFirst() else { throw refusal("--\(name) needs a value") }
                flags.append((name, value))
            }
        }
        return flags
    }

    private static func refusal(_ message: String) -> RegistryError {
        RegistryError(.configurationInvalid, "\(message)\nSee 'skiff-registry --help'.")
    }
}
