import ShimProtocol

/// The options of the json-file log driver.
enum LogFile {
    /// What is kept where nobody says: enough to look back, and bounded.
    private static let defaultSize: Int64 = 10_000_000
    private static let defaultFiles = 3
    private static let known: Set<String> = [
        "compress", "env", "env-regex", "labels", "labels-regex", "max-buffer-size", "max-file", "max-size",
        "mode",
        "tag",
    ]

    /// What the shim has to do.
    /// - Returns: nil for the driver `none`
    /// - Throws: `EngineError` for a driver or an option that is not known, or not built
    static func configuration(_ spec: ContainerSpec, path: String) throws(EngineError) -> LogConfiguration? {
        let settings = spec.logConfiguration
        if settings.driver == "none" { return nil }
        guard settings.driver == "json-file" else { throw .notBuilt("log driver \(settings.driver)") }
        let options = settings.options
        for key in options.keys.sorted() where !known.contains(key) {
            throw .invalid("unknown log opt '\(key)' for json-file log driver")
        }
        for key in ["env-regex", "labels-regex", "tag"] where options[key] != nil {
            throw .notBuilt("log opt \(key)")
        }
        if options["compress"] == "true" { throw .notBuilt("log opt compress") }
        guard ["blocking", nil].contains(options["mode"]) else {
            throw .notBuilt("log opt mode=\(options["mode"] ?? "")")
        }
        return LogConfiguration(
            path: path, maxSize: try size(options["max-size"]), maxFiles: try files(options["max-file"]),
            attributes: attributes(spec))
    }

    private static func size(_ text: String?) throws(EngineError) -> Int64? {
        guard let text else { return defaultSize }
        if text == "-1" { return nil }
        guard let bytes = parseSize(text), bytes > 0 else {
            throw .invalid("invalid max-size log opt: '\(text)'")
        }
        return bytes
    }

    private static func files(_ text: String?) throws(EngineError) -> Int {
        guard let text else { return defaultFiles }
        guard let count = Int(text), count >= 1 else { throw .invalid("invalid max-file log opt: '\(text)'") }
        return count
    }

    /// `10m`, `10MB`, `1.5g`: powers of ten, as Docker counts them here.
    static func parseSize(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits) else { return nil }
        var unit = text.dropFirst(digits.count).lowercased()
        if unit.first == " " { unit.removeFirst() }
        if unit.hasSuffix("b") { unit.removeLast() }
        if unit.hasSuffix("i") { unit.removeLast() }
        let factors: [String: Double] = ["": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15]
        guard let factor = factors[unit] else { return nil }
        return Int64(exactly: (number * factor).rounded())
    }

    /// The labels and variables that the options name.
    private static func attributes(_ spec: ContainerSpec) -> [(name: String, value: String)] {
        func names(_ key: String) -> [String] {
            (spec.logConfiguration.options[key] ?? "").split(separator: ",").map(String.init)
        }
        var result: [(name: String, value: String)] = []
        for name in names("labels") { if let value = spec.labels[name] { result.append((name, value)) } }
        let wanted = names("env")
        for variable in spec.process.environment {
            let name = String(ContainerSpec.variableName(variable))
            if wanted.contains(name), variable.contains("=") {
                result.append((name, String(variable.dropFirst(name.count + 1))))
            }
        }
        return result
    }
}
