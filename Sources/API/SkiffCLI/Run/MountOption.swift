import Glibc
import JSONCodec

/// The value of `--mount`: `type=bind,src=/a,dst=/b,readonly`.
struct MountOption {
    private var type = "volume"
    private var source = ""
    private var target = ""
    private var readOnly = false
    /// Skiff's own: the source's owner is the container's user.
    private var mapsOwner = false
    private var consistency = ""
    private var bind = JSONObject()
    private var volume = JSONObject()
    private var tmpfs = JSONObject()
    private var image = JSONObject()
    private var recursion = ""

    /// - Throws: `UsageError` in Docker's words
    init(parsing text: String) throws(UsageError) {
        for field in try CommaSeparated.fields(text) {
            let parts = field.cut("=")
            try apply(key: (parts?.before ?? field).lowercased(), value: parts?.after, field)
        }
        try finish()
    }

    private mutating func apply(key: String, value: String?, _ field: String) throws(UsageError) {
        guard let value else {
            switch key {
            case "readonly", "ro": readOnly = true
            case "idmap": mapsOwner = true
            case "volume-nocopy": volume["NoCopy"] = true
            case "bind-nonrecursive": bind["NonRecursive"] = true
            default: throw UsageError("invalid field '\(field)' must be a key=value pair")
            }
            return
        }
        switch key {
        case "type": type = value.lowercased()
        case "source", "src": source = value.hasPrefix(".") ? FilePath.absolute(value) : value
        case "target", "dst", "destination": target = value
        case "readonly", "ro": readOnly = try bool(key, value)
        case "idmap": mapsOwner = try bool(key, value)
        case "consistency": consistency = value.lowercased()
        default: try applyDetail(key: key, value: value, field)
        }
    }

    private mutating func applyDetail(key: String, value: String, _ field: String) throws(UsageError) {
        switch key {
        case "bind-propagation": bind["Propagation"] = .string(value.lowercased())
        case "bind-nonrecursive": bind["NonRecursive"] = .bool(try bool(key, value))
        case "bind-recursive": try recursive(value)
        case "bind-create-src": bind["CreateMountpoint"] = .bool(try bool(key, value))
        case "volume-subpath": volume["Subpath"] = .string(value)
        case "volume-nocopy": volume["NoCopy"] = .bool(try bool(key, value))
        case "volume-label": Self.add(value, to: "Labels", of: &volume)
        case "volume-driver": Self.setDriver("Name", .string(value), of: &volume)
        case "volume-opt": Self.addDriverOption(value, to: &volume)
        case "image-subpath": image["Subpath"] = .string(value)
        case "tmpfs-size":
            guard let size = FlagText.bytes(value) else { throw invalid(key, value) }
            tmpfs["SizeBytes"] = .integer(size)
        case "tmpfs-mode":
            guard let mode = UInt32(value, radix: 8) else { throw invalid(key, value) }
            tmpfs["Mode"] = .integer(Int64(mode))
        default: throw UsageError("unexpected key '\(key)' in '\(field)'")
        }
    }

    private mutating func recursive(_ value: String) throws(UsageError) {
        switch value {
        case "enabled": break
        case "disabled": bind["NonRecursive"] = true
        case "writable": bind["ReadOnlyNonRecursive"] = true
        case "readonly": bind["ReadOnlyForceRecursive"] = true
        default:
            throw UsageError(
                "invalid value for bind-recursive: \(value) (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")"
            )
        }
        recursion = value
    }

    private func bool(_ key: String, _ value: String) throws(UsageError) -> Bool {
        guard let bool = FlagText.bool(value) else { throw invalid(key, value) }
        return bool
    }

    private func invalid(_ key: String, _ value: String) -> UsageError {
        UsageError("invalid value for \(key): \(value)")
    }

    private static func add(_ text: String, to key: String, of object: inout JSONObject) {
        let (name, value) = text.cut("=") ?? (text, "")
        var labels = object[key]?.objectValue ?? JSONObject()
        labels[name] = .string(value)
        object[key] = .object(labels)
    }

    private static func setDriver(_ key: String, _ value: JSONValue, of object: inout JSONObject) {
        var driver = object["DriverConfig"]?.objectValue ?? JSONObject()
        driver[key] = value
        object["DriverConfig"] = .object(driver)
    }

    private static func addDriverOption(_ text: String, to object: inout JSONObject) {
        let (name, value) = text.cut("=") ?? (text, "")
        var options = object["DriverConfig"]?["Options"]?.objectValue ?? JSONObject()
        options[name] = .string(value)
        setDriver("Options", .object(options), of: &object)
    }

    private mutating func finish() throws(UsageError) {
        guard !type.isEmpty else { throw UsageError("type is required") }
        guard !target.isEmpty else { throw UsageError("target is required") }
        if !volume.isEmpty, volume["DriverConfig"] == nil { volume["DriverConfig"] = .object(JSONObject()) }
        for (prefix, options, kind) in [
            ("volume", volume, "volume"), ("bind", bind, "bind"), ("tmpfs", tmpfs, "tmpfs"),
            ("image", image, "image"),
        ] where !options.isEmpty && type != kind {
            throw UsageError("cannot mix '\(prefix)-*' options with mount type '\(type)'")
        }
        if recursion == "readonly" {
            guard readOnly else {
                throw UsageError(
                    "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction")
            }
            guard bind["Propagation"]?.stringValue == "rprivate" else {
                throw UsageError(
                    "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction"
                )
            }
        }
        if recursion == "writable", !readOnly {
            throw UsageError(
                "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction")
        }
    }

    /// The mount as the API takes it.
    var json: JSONValue {
        var object = JSONObject()
        object["Type"] = .string(type)
        if !source.isEmpty { object["Source"] = .string(source) }
        object["Target"] = .string(target)
        if readOnly { object["ReadOnly"] = true }
        if !consistency.isEmpty { object["Consistency"] = .string(consistency) }
        if mapsOwner { object["IDMap"] = true }
        if !bind.isEmpty { object["BindOptions"] = .object(bind) }
        if !volume.isEmpty { object["VolumeOptions"] = .object(volume) }
        if !image.isEmpty { object["ImageOptions"] = .object(image) }
        if !tmpfs.isEmpty { object["TmpfsOptions"] = .object(tmpfs) }
        return .object(object)
    }
}

/// Names of files as text.
enum FilePath {
    /// A name relative to the working folder made absolute, without `.` and `..`.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return clean(path) }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return clean(String(cString: folder) + "/" + path)
    }

    static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}
