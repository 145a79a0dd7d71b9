import Glibc
import JSONCodec
import LinuxKernel

/// daemon.json: read, checked against the table of keys, and put together with the command line.
enum DaemonFile {
    static let defaultPath = "/etc/skiff/daemon.json"
    static let dropInPath = "/etc/docker/daemon.json"

    /// - Parameter isRequired: whether the file was named; the default one may be missing
    static func read(_ path: String, isRequired: Bool) throws(OptionError) -> JSONObject {
        let bytes: [UInt8]
        do {
            bytes = try readFile(path, limit: 1 << 20)
        } catch {
            if error.errno == ENOENT, !isRequired { return JSONObject() }
            throw OptionError("cannot read the configuration file \(path): \(error)")
        }
        if bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) { return JSONObject() }
        do {
            guard case .object(let object) = try JSONValue(parsing: bytes) else {
                throw OptionError("\(prefix(path)): expected a JSON object")
            }
            try check(object, path)
            return object
        } catch let error as JSONSyntaxError {
            throw OptionError("\(prefix(path)): \(error)")
        } catch let error as OptionError {
            throw error
        } catch {
            throw OptionError("\(prefix(path)): \(error)")
        }
    }

    private static func prefix(_ path: String) -> String {
        "unable to configure the Docker daemon with file \(path)"
    }

    private static func check(_ object: JSONObject, _ path: String) throws(OptionError) {
        let known = Set(OptionKey.all.map(\.name))
        let unknown = object.keys.filter { !known.contains($0) }.sorted()
        guard unknown.isEmpty else {
            throw OptionError(
                "\(prefix(path)): the following directives don't match any configuration option: "
                    + unknown.joined(separator: ", "))
        }
        for key in OptionKey.all {
            guard let value = object[key.name], !value.isNull else { continue }
            guard key.kind.accepts(value) else {
                throw OptionError("\(prefix(path)): \(key.name): expected \(key.kind.expectation)")
            }
        }
    }

    /// - Throws: `OptionError`, naming what is given in both places
    static func merge(_ flags: JSONObject, _ file: JSONObject, path: String) throws(OptionError) -> JSONObject
    {
        let both = flags.keys.filter { file[$0] != nil }.sorted()
        guard both.isEmpty else {
            let list = both.map { name in
                "\(name): (from flag: \(text(flags[name])), from file: \(text(file[name])))"
            }
            throw OptionError(
                "\(prefix(path)): the following directives are specified both as a flag and in the configuration file: "
                    + list.joined(separator: ", "))
        }
        var merged = file
        for (name, value) in flags { merged[name] = value }
        try refuseUnbuilt(merged)
        return merged
    }

    private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? value?.text() ?? "" }

    private static func refuseUnbuilt(_ values: JSONObject) throws(OptionError) {
        for key in OptionKey.all {
            guard case .refused(let reason) = key.fate, let value = values[key.name], !value.isOff else {
                continue
            }
            throw OptionError("\(key.name) is not supported by this version of Skiff: \(reason)")
        }
    }
}

extension JSONValue {
    /// Whether this is the value that asks for nothing: false, zero, an empty text, list or object of such.
    var isOff: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .integer(let value): value == 0
        case .unsigned, .double: false
        case .string(let value): value.isEmpty
        case .array(let values): values.isEmpty
        case .object(let object): object.values.allSatisfy(\.isOff)
        }
    }
}

extension OptionKey.Kind {
    fileprivate func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .string: value.stringValue != nil
        case .bool: value.boolValue != nil
        case .integer: value.integerValue != nil
        case .bytes: value.stringValue != nil || value.integerValue != nil
        case .strings: value.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false
        case .map: value.objectValue?.values.allSatisfy { $0.stringValue != nil } ?? false
        case .ulimits: value.objectValue?.values.allSatisfy { $0.objectValue != nil } ?? false
        case .pools: value.arrayValue?.allSatisfy { $0.objectValue != nil } ?? false
        case .object: value.objectValue != nil
        }
    }

    fileprivate var expectation: String {
        switch self {
        case .string: "a string"
        case .bool: "true or false"
        case .integer: "a whole number"
        case .bytes: "a number of bytes, or a string such as \"64m\""
        case .strings: "a list of strings"
        case .map: "an object of strings"
        case .ulimits: "an object of {\"Name\", \"Soft\", \"Hard\"}"
        case .pools: "a list of {\"base\", \"size\"}"
        case .object: "an object"
        }
    }
}
