import JSONCodec
import LinuxKernel
package import OCIModel

/// Everything that a shim needs to know about its container; it arrives once, as the first request.
package struct CreateRequest: Sendable {
    /// 64 hexadecimal digits.
    package var containerID: String
    /// The OCI runtime specification in full. `process.terminal` and `process.consoleSize` decide about
    /// the terminal, `linux.cgroupsPath` names the control group, `process.args` stays the user's command with `init`.
    package var spec: RuntimeSpec
    package var root: ContainerRoot
    /// Of mounts of the specification whose source is more than a path.
    package var mountSources: [RuntimeMountSource] = []
    /// A file that the shim locks exclusively (flock) for the container's life, so that one upper directory is never
    /// mounted twice: `overlay2/<id>/lock`. It is created where it is missing.
    package var lockPath: String?
    /// "user[:group]", names or numbers, resolved in the container's own passwd and group files; nil leaves
    /// `process.user` of the specification as it is.
    package var user: String?
    /// Supplementary groups, names or numbers (`--group-add`), resolved likewise.
    package var groupAdd: [String]
    /// The program's stdin is open (`-i`); without it stdin is /dev/null, or the terminal.
    package var openStdin: Bool
    /// stdin is closed when the first attached client that has stdin ends its input (Docker's StdinOnce).
    package var stdinOnce: Bool
    /// nil logs nothing (`--log-driver none`).
    package var log: LogConfiguration?
    /// A small PID 1 of Skiff's runs the user's command, forwards signals and reaps (`--init`).
    package var useInit: Bool
    /// A file of the runtime's `SeccompCache` with the filter to load; nil for none (`linux.seccomp` is not looked at).
    package var seccompProgram: String?
    /// Clients that attached before the start.
    package var attachments: [AttachRequest]

    package init(
        containerID: String, spec: RuntimeSpec, root: ContainerRoot, lockPath: String? = nil,
        user: String? = nil, groupAdd: [String] = [], openStdin: Bool = false, stdinOnce: Bool = false,
        log: LogConfiguration? = nil, useInit: Bool = false, seccompProgram: String? = nil,
        attachments: [AttachRequest] = []
    ) {
        self.containerID = containerID
        self.spec = spec
        self.root = root
        self.lockPath = lockPath
        self.user = user
        self.groupAdd = groupAdd
        self.openStdin = openStdin
        self.stdinOnce = stdinOnce
        self.log = log
        self.useInit = useInit
        self.seccompProgram = seccompProgram
        self.attachments = attachments
    }
}

/// What becomes the container's `/`.
package enum ContainerRoot: Sendable, Equatable {
    /// An overlay that the shim mounts, detached, in the container's mount namespace.
    /// - lower: lower directories, topmost first
    /// - volatile: no sync of the upper directory, for containers that do not outlive a power cut
    case overlay(lower: [String], upper: String, work: String, volatile: Bool)
    /// A directory of the host as it is, with what is mounted below it.
    case directory(String)

    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        switch self {
        case .overlay(let lower, let upper, let work, let volatile):
            builder.set("lower", strings: lower)
            builder.set("upper", upper)
            builder.set("work", work)
            builder.set("volatile", flag: volatile)
        case .directory(let path):
            builder.set("directory", path)
        }
        return builder.value
    }

    init(decoding value: JSONValue) throws(ShimError) {
        var fields = try MessageFields(value, "root filesystem")
        if let path = try fields.optionalString("directory") {
            self = .directory(path)
        } else {
            self = .overlay(
                lower: try fields.strings("lower"), upper: try fields.string("upper"),
                work: try fields.string("work"), volatile: try fields.flag("volatile"))
        }
        try fields.finish()
    }
}

extension RuntimeMountSource {
    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("destination", destination)
        builder.set("layers", strings: layers)
        builder.set("subpath", subpath)
        builder.set("mapsOwner", flag: mapsOwner)
        return builder.value
    }

    init(decoding value: JSONValue) throws(ShimError) {
        var fields = try MessageFields(value, "mount source")
        self.init(
            destination: try fields.string("destination"), layers: try fields.strings("layers"),
            subpath: try fields.string("subpath"), mapsOwner: try fields.flag("mapsOwner"))
        try fields.finish()
    }
}

/// The log file of a container, in Docker's json-file format, written by the shim only.
package struct LogConfiguration: Sendable, Equatable {
    package var path: String
    /// Bytes after which the file is rotated; nil for no limit.
    package var maxSize: Int64?
    /// How many files are kept, the current one included; at least 1.
    package var maxFiles: Int
    /// Extra attributes of each line (`--log-opt labels`, `env`), in this order.
    package var attributes: [(name: String, value: String)]

    package init(
        path: String, maxSize: Int64? = nil, maxFiles: Int = 1,
        attributes: [(name: String, value: String)] = []
    ) {
        self.path = path
        self.maxSize = maxSize
        self.maxFiles = maxFiles
        self.attributes = attributes
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.path == b.path && a.maxSize == b.maxSize && a.maxFiles == b.maxFiles
            && a.attributes.elementsEqual(b.attributes, by: ==)
    }

    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("path", path)
        builder.set("maxSize", maxSize)
        builder.set("maxFiles", maxFiles)
        if !attributes.isEmpty {
            var object = JSONObject()
            for (name, value) in attributes { object[name] = .string(value) }
            builder.set("attributes", value: .object(object))
        }
        return builder.value
    }

    init(decoding value: JSONValue) throws(ShimError) {
        var fields = try MessageFields(value, "log")
        path = try fields.string("path")
        maxSize = try fields.optionalInteger("maxSize")
        maxFiles = try fields.integer("maxFiles")
        attributes = []
        if let value = fields.optional("attributes") {
            guard case .object(let object) = value else { throw fields.mismatch("attributes", "an object") }
            for (name, value) in object {
                guard let text = value.stringValue else {
                    throw fields.mismatch("attributes", "an object of strings")
                }
                attributes.append((name, text))
            }
        }
        guard maxFiles >= 1, maxSize ?? 1 > 0 else {
            throw fields.mismatch("maxSize or maxFiles", "positive")
        }
        try fields.finish()
    }
}

extension CreateRequest {
    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("containerID", containerID)
        builder.set("spec", value: spec.json)
        builder.set("root", value: root.encoded())
        if !mountSources.isEmpty {
            builder.set("mountSources", value: .array(mountSources.map { $0.encoded() }))
        }
        builder.set("lockPath", lockPath)
        builder.set("user", user)
        builder.set("groupAdd", strings: groupAdd)
        builder.set("openStdin", flag: openStdin)
        builder.set("stdinOnce", flag: stdinOnce)
        builder.set("log", value: log?.encoded())
        builder.set("useInit", flag: useInit)
        builder.set("seccompProgram", seccompProgram)
        if !attachments.isEmpty {
            builder.set("attachments", value: .array(attachments.map { $0.encoded() }))
        }
        return builder.value
    }

    init(decoding value: JSONValue, _ sockets: [SharedDescriptor]) throws(ShimError) {
        var fields = try MessageFields(value, "create")
        containerID = try fields.string("containerID")
        let json = try fields.required("spec")
        spec = try specified { () throws(RuntimeSpecError) in try RuntimeSpec(json: json) }
        root = try ContainerRoot(decoding: try fields.required("root"))
        for value in try fields.array("mountSources") {
            mountSources.append(try RuntimeMountSource(decoding: value))
        }
        lockPath = try fields.optionalString("lockPath")
        user = try fields.optionalString("user")
        groupAdd = try fields.strings("groupAdd")
        openStdin = try fields.flag("openStdin")
        stdinOnce = try fields.flag("stdinOnce")
        if let value = fields.optional("log") { log = try LogConfiguration(decoding: value) }
        useInit = try fields.flag("useInit")
        seccompProgram = try fields.optionalString("seccompProgram")
        attachments = try AttachRequest.list(try fields.array("attachments"), sockets)
        try fields.finish()
    }
}
