package import JSONCodec

/// A container's configuration, `config.json` of a bundle (OCI runtime specification 1.2, "config.md"; Linux part).
///
/// Read and written by hand from and to `JSONValue`: this is on every container's start path.
package struct RuntimeSpec: Sendable, Equatable {
    package var version: String
    package var process: RuntimeProcess?
    package var root: RuntimeRoot?
    package var hostname: String?
    package var domainname: String?
    package var mounts: [RuntimeMount]
    package var hooks: RuntimeHooks
    package var annotations: [String: String]
    package var linux: RuntimeLinux

    /// What `features` reports and `spec` writes.
    package static let currentVersion = "1.2.0"

    package init(
        version: String = RuntimeSpec.currentVersion, process: RuntimeProcess? = nil,
        root: RuntimeRoot? = nil,
        hostname: String? = nil, domainname: String? = nil, mounts: [RuntimeMount] = [],
        hooks: RuntimeHooks = RuntimeHooks(), annotations: [String: String] = [:],
        linux: RuntimeLinux = RuntimeLinux()
    ) {
        self.version = version
        self.process = process
        self.root = root
        self.hostname = hostname
        self.domainname = domainname
        self.mounts = mounts
        self.hooks = hooks
        self.annotations = annotations
        self.linux = linux
    }

    package init(json: JSONValue) throws(RuntimeSpecError) {
        let fields = try RuntimeFields(json)
        version = try fields.requiredString("ociVersion")
        guard version.hasPrefix("1.") else {
            throw RuntimeSpecError(.invalidValue, "ociVersion", "\(version) is not supported, only 1.x is")
        }
        process = try fields.object("process", RuntimeProcess.init(fields:))
        root = try fields.object("root", RuntimeRoot.init(fields:))
        hostname = try fields.string("hostname")
        domainname = try fields.string("domainname")
        mounts = try fields.objects("mounts", RuntimeMount.init(fields:))
        hooks = try fields.object("hooks", RuntimeHooks.init(fields:)) ?? RuntimeHooks()
        annotations = try fields.stringMap("annotations")
        linux = try fields.object("linux", RuntimeLinux.init(fields:)) ?? RuntimeLinux()
    }

    package var json: JSONValue {
        var object = RuntimeObject()
        object.set("ociVersion", version)
        object.set("process", process?.json)
        object.set("root", root?.json)
        object.set("hostname", hostname)
        object.set("domainname", domainname)
        object.set("mounts", mounts.map(\.json))
        if hooks != RuntimeHooks() { object.set("hooks", hooks.json) }
        object.set("annotations", annotations)
        object.set("linux", linux.json)
        return object.json
    }
}

/// The root filesystem of a bundle.
package struct RuntimeRoot: Sendable, Equatable {
    /// Absolute, or relative to the bundle.
    package var path: String
    package var readonly: Bool

    package init(path: String, readonly: Bool = false) {
        self.path = path
        self.readonly = readonly
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        path = try fields.requiredString("path")
        readonly = try fields.bool("readonly") ?? false
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("path", path)
        object.set("readonly", readonly ? true : nil)
        return object.json
    }
}

/// One mount; they are made in the order of the list.
package struct RuntimeMount: Sendable, Equatable {
    /// Absolute path inside the container.
    package var destination: String
    /// `bind`, `tmpfs`, `proc`, `sysfs`, `devpts`, `mqueue`, `cgroup`, …; empty with a `bind` or `rbind` option.
    package var type: String
    package var source: String?
    package var options: [String]
    package var uidMappings: [RuntimeIDMapping]
    package var gidMappings: [RuntimeIDMapping]

    package init(
        destination: String, type: String, source: String? = nil, options: [String] = [],
        uidMappings: [RuntimeIDMapping] = [], gidMappings: [RuntimeIDMapping] = []
    ) {
        self.destination = destination
        self.type = type
        self.source = source
        self.options = options
        self.uidMappings = uidMappings
        self.gidMappings = gidMappings
    }

    /// Whether this makes something of the host's file tree visible rather than a new filesystem.
    package var isBind: Bool { type == "bind" || options.contains("bind") || options.contains("rbind") }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        destination = try fields.requiredString("destination")
        guard destination.utf8.first == UInt8(ascii: "/") else {
            throw RuntimeSpecError(
                .invalidValue, fields.place("destination"), "\(destination) must be an absolute path")
        }
        type = try fields.string("type") ?? ""
        source = try fields.string("source")
        options = try fields.strings("options")
        uidMappings = try fields.objects("uidMappings", RuntimeIDMapping.init(fields:))
        gidMappings = try fields.objects("gidMappings", RuntimeIDMapping.init(fields:))
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("destination", destination)
        object.set("type", type.isEmpty ? nil : type)
        object.set("source", source)
        object.set("options", options)
        object.set("uidMappings", uidMappings.map(\.json))
        object.set("gidMappings", gidMappings.map(\.json))
        return object.json
    }
}

/// Programs run at points of a container's life ("POSIX-platform Hooks").
package struct RuntimeHooks: Sendable, Equatable {
    package var prestart: [RuntimeHook] = []
    package var createRuntime: [RuntimeHook] = []
    package var createContainer: [RuntimeHook] = []
    package var startContainer: [RuntimeHook] = []
    package var poststart: [RuntimeHook] = []
    package var poststop: [RuntimeHook] = []

    package init() {}

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        prestart = try fields.objects("prestart", RuntimeHook.init(fields:))
        createRuntime = try fields.objects("createRuntime", RuntimeHook.init(fields:))
        createContainer = try fields.objects("createContainer", RuntimeHook.init(fields:))
        startContainer = try fields.objects("startContainer", RuntimeHook.init(fields:))
        poststart = try fields.objects("poststart", RuntimeHook.init(fields:))
        poststop = try fields.objects("poststop", RuntimeHook.init(fields:))
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("prestart", prestart.map(\.json))
        object.set("createRuntime", createRuntime.map(\.json))
        object.set("createContainer", createContainer.map(\.json))
        object.set("startContainer", startContainer.map(\.json))
        object.set("poststart", poststart.map(\.json))
        object.set("poststop", poststop.map(\.json))
        return object.json
    }
}

package struct RuntimeHook: Sendable, Equatable {
    /// Absolute path of the program.
    package var path: String
    /// The whole argument vector, name included; empty for just the path.
    package var args: [String]
    package var env: [String]
    /// Seconds after which the hook is killed; nil for no limit.
    package var timeout: Int?

    package init(path: String, args: [String] = [], env: [String] = [], timeout: Int? = nil) {
        self.path = path
        self.args = args
        self.env = env
        self.timeout = timeout
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        path = try fields.requiredString("path")
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw RuntimeSpecError(.invalidValue, fields.place("path"), "\(path) must be an absolute path")
        }
        args = try fields.strings("args")
        env = try fields.strings("env")
        timeout = try fields.integer("timeout")
        if let timeout, timeout <= 0 {
            throw RuntimeSpecError(.outOfRange, fields.place("timeout"), "must be greater than zero")
        }
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("path", path)
        object.set("args", args)
        object.set("env", env)
        object.set("timeout", timeout)
        return object.json
    }
}
