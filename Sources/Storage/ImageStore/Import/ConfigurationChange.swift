import JSONCodec
import OCIModel

/// One Dockerfile instruction that changes an image's defaults, as `import --change` and `commit --change` take it.
struct ConfigurationChange {
    private let instruction: String
    private let arguments: String

    private static let known: Set<String> = [
        "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL",
        "USER",
        "VOLUME", "WORKDIR",
    ]

    /// The instructions of all changes, read as one Dockerfile: comments, `\` before the end of a line.
    /// - Throws: `ImageError` (`invalidArgument`), as Docker words it
    static func all(in changes: [String]) throws -> [ConfigurationChange] {
        guard !changes.isEmpty else { return [] }
        var found: [ConfigurationChange] = []
        var begun = ""
        for line in changes.joined(separator: "\n").split(whereSeparator: \.isNewline) {
            let trimmed = trim(line)
            guard !trimmed.isEmpty, !trimmed.hasPrefix("#") else { continue }
            begun += trimmed
            if begun.hasSuffix("\\") {
                begun.removeLast()
            } else {
                found.append(try ConfigurationChange(begun))
                begun = ""
            }
        }
        if !begun.isEmpty { found.append(try ConfigurationChange(begun)) }
        guard !found.isEmpty else { throw ImageError(.invalidArgument, "file with no instructions") }
        return found
    }

    private init(_ text: String) throws {
        let end = text.firstIndex { $0 == " " || $0 == "\t" } ?? text.endIndex
        let words = Self.trim(text[end...])
        instruction = text[..<end].uppercased()
        arguments = String(words)
        guard Self.known.contains(instruction) else {
            throw invalid("\(instruction.lowercased()) is not a valid change command")
        }
        // Docker takes these without arguments, too.
        if arguments.isEmpty, instruction != "CMD", instruction != "ENTRYPOINT" { throw missingArguments }
        if words.hasPrefix("--"), instruction != "HEALTHCHECK", instruction != "ONBUILD" {
            guard let end = words.firstIndex(of: " ") else { throw missingArguments }
            throw invalid("Unknown flag: \(words[..<end].dropFirst(2).prefix { $0 != "=" })")
        }
    }

    private var missingArguments: ImageError {
        let takesOne = instruction == "USER" || instruction == "WORKDIR"
        return invalid("\(instruction) requires \(takesOne ? "exactly" : "at least") one argument")
    }

    func apply(to defaults: inout ImageDefaults) throws {
        let words = VariableExpansion(defaults.environment)
        switch instruction {
        case "CMD": defaults.command = try command(defaults)
        case "ENTRYPOINT": defaults.entrypoint = arguments.isEmpty ? nil : try command(defaults)
        case "ENV":
            for (name, value) in try pairs(words) {
                defaults.environment.removeAll { $0.hasPrefix(name + "=") }
                defaults.environment.append("\(name)=\(value)")
            }
        case "LABEL": for (name, value) in try pairs(words) { defaults.labels[name] = value }
        case "EXPOSE":
            for word in try words.split(arguments) { try expose(word, &defaults) }
        case "VOLUME":
            let volumes = try list() ?? words.split(arguments)
            guard !volumes.isEmpty else { throw missingArguments }
            defaults.volumes = Set(defaults.volumes + volumes).sorted()
        case "USER": defaults.user = try words.expand(arguments)
        case "WORKDIR":
            let path = try words.expand(arguments)
            defaults.workingDirectory = Self.clean(
                path.hasPrefix("/") ? path : "\(defaults.workingDirectory)/\(path)")
        case "STOPSIGNAL": defaults.stopSignal = try words.expand(arguments)
        case "ONBUILD": defaults.onBuild.append(try trigger())
        case "SHELL":
            guard let shell = try list(), !shell.isEmpty else {
                throw invalid("SHELL requires the arguments to be in JSON form")
            }
            defaults.shell = shell
        default: defaults.healthcheck = try healthcheck(defaults)
        }
    }

    private func invalid(_ reason: String) -> ImageError {
        ImageError(.invalidArgument, reason)
    }

    // MARK: - Forms

    /// The arguments where they are a JSON list of texts.
    private func list(_ text: String? = nil) throws -> [String]? {
        let text = text ?? arguments
        guard text.hasPrefix("["), let value = try? JSONValue(parsing: text), let array = value.arrayValue
        else {
            return nil
        }
        let words = array.compactMap(\.stringValue)
        return words.count == array.count ? words : nil
    }

    private func command(_ defaults: ImageDefaults, _ text: String? = nil) throws -> [String] {
        if let list = try list(text) { return list }
        let shell = defaults.shell ?? ["/bin/sh", "-c"]
        return arguments.isEmpty ? shell : shell + [text ?? arguments]
    }

    /// `name=value …`, or the old form `name value`.
    private func pairs(_ words: VariableExpansion) throws -> [(String, String)] {
        let split = try words.split(arguments)
        guard let first = split.first else { throw missingArguments }
        if !first.contains("=") {
            let end = arguments.firstIndex { $0 == " " || $0 == "\t" } ?? arguments.endIndex
            guard end < arguments.endIndex else { throw invalid("\(instruction) must have two arguments") }
            return [(first, try words.expand(String(Self.trim(arguments[end...]))))]
        }
        return try split.map { word in
            guard let equals = word.firstIndex(of: "=") else {
                throw invalid(
                    "Syntax error - can't find = in \"\(word)\". Must be of the form: name=value")
            }
            guard equals > word.startIndex else { throw invalid("\(instruction) names can not be blank") }
            return (String(word[..<equals]), String(word[word.index(after: equals)...]))
        }
    }

    private func trigger() throws -> String {
        let word = arguments.prefix { $0 != " " && $0 != "\t" }.uppercased()
        switch word {
        case "ONBUILD": throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        case "FROM", "MAINTAINER": throw invalid("\(word) isn't allowed as an ONBUILD trigger")
        default: return arguments
        }
    }

    private func expose(_ word: String, _ defaults: inout ImageDefaults) throws {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        let network = parts.count == 2 ? parts[1].lowercased() : "tcp"
        let bounds = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard parts.count <= 2, ["tcp", "udp", "sctp"].contains(network) else {
            throw invalid("Invalid proto: \(word.drop { $0 != "/" }.dropFirst())")
        }
        guard bounds.count <= 2, let first = bounds[0], let last = bounds[bounds.count - 1], first <= last,
            first > 0
        else { throw invalid("Invalid containerPort: \(parts[0])") }
        let ports = (first...last).map { "\($0)/\(network)" }
        defaults.exposedPorts = Set(defaults.exposedPorts + ports).sorted()
    }

    private func healthcheck(_ defaults: ImageDefaults) throws -> ImageDefaults.Healthcheck {
        var check = ImageDefaults.Healthcheck()
        var rest = arguments[...]
        while rest.hasPrefix("--") {
            let end = rest.firstIndex(of: " ") ?? rest.endIndex
            let option = rest[..<end].dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            try setOption(String(option[0]), option.count == 2 ? String(option[1]) : nil, &check)
            rest = Self.trim(rest[end...])
        }
        let end = rest.firstIndex { $0 == " " || $0 == "\t" } ?? rest.endIndex
        let command = String(Self.trim(rest[end...]))
        switch rest[..<end].uppercased() {
        case "NONE": check.test = ["NONE"]
        case "CMD":
            guard !command.isEmpty else { throw invalid("Missing command after HEALTHCHECK CMD") }
            check.test = try list(command).map { ["CMD"] + $0 } ?? ["CMD-SHELL", command]
        case let type: throw invalid("Unknown type \"\(type)\" in HEALTHCHECK (try CMD)")
        }
        return check
    }

    private func setOption(_ name: String, _ value: String?, _ check: inout ImageDefaults.Healthcheck) throws
    {
        guard ["interval", "timeout", "start-period", "start-interval", "retries"].contains(name) else {
            throw invalid("Unknown flag: \(name)")
        }
        guard let value else { throw invalid("Missing a value on flag: \(name)") }
        if name == "retries" {
            guard let retries = Int(value), retries >= 0 else {
                throw invalid("--retries must be a number of at least 0, not \(value)")
            }
            check.retries = retries
            return
        }
        guard let duration = GoDuration.nanoseconds(value), duration >= 0 else {
            throw invalid("time: invalid duration \"\(value)\"")
        }
        switch name {
        case "interval": check.interval = duration
        case "timeout": check.timeout = duration
        case "start-period": check.startPeriod = duration
        default: check.startInterval = duration
        }
    }

    static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    private static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
