import JSONCodec
import OCIModel

/// One Dockerfile instruction that changes an image's defaults, as `import --change` and `commit --change` take it.
struct ConfigurationChange {
    private let instruction: String
    private let arguments: String
    private let text: String

    /// - Throws: `ImageError` (`invalidArgument`)
    init(_ text: String) throws {
        let trimmed = Self.trim(text[...])
        let end = trimmed.firstIndex { $0 == " " || $0 == "\t" } ?? trimmed.endIndex
        instruction = trimmed[..<end].uppercased()
        arguments = String(Self.trim(trimmed[end...]))
        self.text = text
        let known = [
            "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL",
            "USER",
            "VOLUME", "WORKDIR",
        ]
        guard known.contains(instruction) else {
            throw ImageError(.invalidArgument, "\(instruction) is not a valid change command")
        }
        guard !arguments.isEmpty else {
            throw ImageError(.invalidArgument, "\(instruction) requires at least one argument")
        }
    }

    func apply(to defaults: inout ImageDefaults) throws {
        let words = VariableExpansion(defaults.environment)
        switch instruction {
        case "CMD": defaults.command = try command(defaults)
        case "ENTRYPOINT": defaults.entrypoint = try command(defaults)
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
            defaults.volumes = Set(defaults.volumes + volumes).sorted()
        case "USER": defaults.user = try words.expand(arguments)
        case "WORKDIR":
            let path = try words.expand(arguments)
            defaults.workingDirectory = Self.clean(
                path.hasPrefix("/") ? path : "\(defaults.workingDirectory)/\(path)")
        case "STOPSIGNAL": defaults.stopSignal = try words.expand(arguments)
        case "ONBUILD": defaults.onBuild.append(arguments)
        case "SHELL":
            guard let shell = try list(), !shell.isEmpty else {
                throw invalid("SHELL requires the arguments to be in JSON form")
            }
            defaults.shell = shell
        default: defaults.healthcheck = try healthcheck(defaults)
        }
    }

    private func invalid(_ reason: String) -> ImageError {
        ImageError(.invalidArgument, "\(reason): \(text)")
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
        return (defaults.shell ?? ["/bin/sh", "-c"]) + [text ?? arguments]
    }

    /// `name=value …`, or the old form `name value`.
    private func pairs(_ words: VariableExpansion) throws -> [(String, String)] {
        let split = try words.split(arguments)
        guard let first = split.first else { throw invalid("missing name") }
        if !first.contains("=") {
            let end = arguments.firstIndex { $0 == " " || $0 == "\t" } ?? arguments.endIndex
            guard instruction == "ENV", end < arguments.endIndex else {
                throw invalid("\(instruction) must be of the form: name=value")
            }
            return [(first, try words.expand(String(Self.trim(arguments[end...]))))]
        }
        return try split.map { word in
            guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
                throw invalid("\(instruction) must be of the form: name=value")
            }
            return (String(word[..<equals]), String(word[word.index(after: equals)...]))
        }
    }

    private func expose(_ word: String, _ defaults: inout ImageDefaults) throws {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        let network = parts.count == 2 ? parts[1].lowercased() : "tcp"
        let bounds = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard parts.count <= 2, ["tcp", "udp", "sctp"].contains(network), let first = bounds[0],
            let last = bounds.count == 1 ? first : bounds[bounds.count - 1], bounds.count <= 2, first <= last,
            first > 0
        else { throw invalid("invalid containerPort \(word)") }
        let ports = (first...last).map { "\($0)/\(network)" }
        defaults.exposedPorts = Set(defaults.exposedPorts + ports).sorted()
    }

    private func healthcheck(_ defaults: ImageDefaults) throws -> ImageDefaults.Healthcheck {
        var check = ImageDefaults.Healthcheck()
        var rest = arguments[...]
        while rest.hasPrefix("--") {
            let end = rest.firstIndex(of: " ") ?? rest.endIndex
            let option = rest[..<end].split(separator: "=", maxSplits: 1)
            guard option.count == 2 else { throw invalid("invalid HEALTHCHECK option") }
            try setOption(String(option[0]), String(option[1]), &check)
            rest = Self.trim(rest[end...])
        }
        let end = rest.firstIndex(of: " ") ?? rest.endIndex
        let command = String(Self.trim(rest[end...]))
        switch rest[..<end].uppercased() {
        case "NONE": check.test = ["NONE"]
        case "CMD" where !command.isEmpty:
            check.test = try list(command).map { ["CMD"] + $0 } ?? ["CMD-SHELL", command]
        default: throw invalid("HEALTHCHECK needs NONE or CMD with a command")
        }
        return check
    }

    private func setOption(_ name: String, _ value: String, _ check: inout ImageDefaults.Healthcheck) throws {
        if name == "--retries" {
            guard let retries = Int(value), retries >= 0 else { throw invalid("invalid number of retries") }
            check.retries = retries
            return
        }
        guard let duration = GoDuration.nanoseconds(value), duration >= 0 else {
            throw invalid("invalid duration")
        }
        switch name {
        case "--interval": check.interval = duration
        case "--timeout": check.timeout = duration
        case "--start-period": check.startPeriod = duration
        case "--start-interval": check.startInterval = duration
        default: throw invalid("unknown HEALTHCHECK option \(name)")
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
