import JSONCodec

/// The Linux part of a specification ("config-linux.md").
package struct RuntimeLinux: Sendable, Equatable {
    package var namespaces: [RuntimeNamespace]
    package var uidMappings: [RuntimeIDMapping]
    package var gidMappings: [RuntimeIDMapping]
    /// Devices beyond the default ones of the specification.
    package var devices: [RuntimeDevice]
    /// `/parent/name` for the cgroup filesystem, `slice:prefix:name` for systemd.
    package var cgroupsPath: String?
    package var resources: RuntimeResources
    package var sysctl: [String: String]
    package var seccomp: RuntimeSeccomp?
    /// `shared`, `slave`, `private`, `unbindable`, each also with a leading `r`.
    package var rootfsPropagation: String?
    package var maskedPaths: [String]
    package var readonlyPaths: [String]
    package var mountLabel: String?

    package init(
        namespaces: [RuntimeNamespace] = [], uidMappings: [RuntimeIDMapping] = [],
        gidMappings: [RuntimeIDMapping] = [], devices: [RuntimeDevice] = [], cgroupsPath: String? = nil,
        resources: RuntimeResources = RuntimeResources(), sysctl: [String: String] = [:],
        seccomp: RuntimeSeccomp? = nil, rootfsPropagation: String? = nil, maskedPaths: [String] = [],
        readonlyPaths: [String] = [], mountLabel: String? = nil
    ) {
        self.namespaces = namespaces
        self.uidMappings = uidMappings
        self.gidMappings = gidMappings
        self.devices = devices
        self.cgroupsPath = cgroupsPath
        self.resources = resources
        self.sysctl = sysctl
        self.seccomp = seccomp
        self.rootfsPropagation = rootfsPropagation
        self.maskedPaths = maskedPaths
        self.readonlyPaths = readonlyPaths
        self.mountLabel = mountLabel
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        namespaces = try fields.objects("namespaces", RuntimeNamespace.init(fields:))
        uidMappings = try fields.objects("uidMappings", RuntimeIDMapping.init(fields:))
        gidMappings = try fields.objects("gidMappings", RuntimeIDMapping.init(fields:))
        devices = try fields.objects("devices", RuntimeDevice.init(fields:))
        cgroupsPath = try fields.string("cgroupsPath")
        resources = try fields.object("resources", RuntimeResources.init(fields:)) ?? RuntimeResources()
        sysctl = try fields.stringMap("sysctl")
        seccomp = try fields.object("seccomp", RuntimeSeccomp.init(fields:))
        rootfsPropagation = try fields.string("rootfsPropagation")
        maskedPaths = try fields.strings("maskedPaths")
        readonlyPaths = try fields.strings("readonlyPaths")
        mountLabel = try fields.string("mountLabel")
        for unsupported in ["intelRdt", "personality", "timeOffsets"]
        where try fields.object(unsupported, { $0 }) != nil {
            throw RuntimeSpecError(.invalidValue, fields.place(unsupported), "is not supported")
        }
        var seen: Set<RuntimeNamespace.Kind> = []
        for namespace in namespaces where !seen.insert(namespace.kind).inserted {
            throw RuntimeSpecError(
                .invalidValue, fields.place("namespaces"), "\(namespace.kind.rawValue) is listed twice")
        }
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("uidMappings", uidMappings.map(\.json))
        object.set("gidMappings", gidMappings.map(\.json))
        object.set("sysctl", sysctl)
        if resources != RuntimeResources() { object.set("resources", resources.json) }
        object.set("cgroupsPath", cgroupsPath)
        object.set("namespaces", namespaces.map(\.json))
        object.set("devices", devices.map(\.json))
        object.set("seccomp", seccomp?.json)
        object.set("rootfsPropagation", rootfsPropagation)
        object.set("maskedPaths", maskedPaths)
        object.set("readonlyPaths", readonlyPaths)
        object.set("mountLabel", mountLabel)
        return object.json
    }
}

/// A namespace of the container: a new one, or with a path one that exists. Kinds that are not listed stay the caller's.
package struct RuntimeNamespace: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case pid, network, mount, ipc, uts, user, cgroup, time
    }

    package var kind: Kind
    /// Such as `/proc/1/ns/net`; nil for a new namespace.
    package var path: String?

    package init(_ kind: Kind, path: String? = nil) {
        self.kind = kind
        self.path = path
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        let name = try fields.requiredString("type")
        guard let known = Kind(rawValue: name) else {
            throw RuntimeSpecError(.invalidValue, fields.place("type"), "unknown namespace \(name)")
        }
        kind = known
        let path = try fields.string("path") ?? ""
        self.path = path.isEmpty ? nil : path
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("type", kind.rawValue)
        object.set("path", path)
        return object.json
    }
}

/// A range of user or group ids (user_namespaces(7)).
package struct RuntimeIDMapping: Sendable, Equatable {
    package var containerID: UInt32
    package var hostID: UInt32
    package var size: UInt32

    package init(containerID: UInt32, hostID: UInt32, size: UInt32) {
        self.containerID = containerID
        self.hostID = hostID
        self.size = size
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        containerID = try fields.requiredInteger("containerID")
        hostID = try fields.requiredInteger("hostID")
        size = try fields.requiredInteger("size")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("containerID", containerID)
        object.set("hostID", hostID)
        object.set("size", size)
        return object.json
    }
}

/// A device node to make in the container.
package struct RuntimeDevice: Sendable, Equatable {
    /// `c` or `u` (character), `b` (block), `p` (named pipe).
    package var type: String
    /// Absolute path inside the container.
    package var path: String
    package var major: Int64
    package var minor: Int64
    /// Permission bits; nil for 0666.
    package var fileMode: UInt32?
    package var uid: UInt32?
    package var gid: UInt32?

    package init(
        type: String, path: String, major: Int64 = 0, minor: Int64 = 0, fileMode: UInt32? = nil,
        uid: UInt32? = nil, gid: UInt32? = nil
    ) {
        self.type = type
        self.path = path
        self.major = major
        self.minor = minor
        self.fileMode = fileMode
        self.uid = uid
        self.gid = gid
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        type = try fields.requiredString("type")
        guard ["c", "u", "b", "p"].contains(type) else {
            throw RuntimeSpecError(.invalidValue, fields.place("type"), "unknown device type \(type)")
        }
        path = try fields.requiredString("path")
        major = try fields.integer("major") ?? 0
        minor = try fields.integer("minor") ?? 0
        fileMode = try fields.integer("fileMode")
        uid = try fields.integer("uid")
        gid = try fields.integer("gid")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("path", path)
        object.set("type", type)
        object.set("major", major)
        object.set("minor", minor)
        object.set("fileMode", fileMode)
        object.set("uid", uid)
        object.set("gid", gid)
        return object.json
    }
}
