package import JSONCodec

/// A process of a container: `process` of `config.json`, or the file that `exec --process` takes.
package struct RuntimeProcess: Sendable, Equatable {
    package var args: [String]
    /// `NAME=value`.
    package var env: [String]
    /// Absolute path inside the container.
    package var cwd: String
    package var user: RuntimeUser
    package var terminal: Bool
    package var consoleSize: RuntimeConsoleSize?
    /// Nil leaves what the caller has.
    package var capabilities: RuntimeCapabilities?
    package var rlimits: [RuntimeRlimit]
    package var noNewPrivileges: Bool
    package var apparmorProfile: String?
    package var selinuxLabel: String?
    /// -1000 to 1000; nil leaves the caller's.
    package var oomScoreAdj: Int?
    package var ioPriority: RuntimeIOPriority?

    package init(
        args: [String], env: [String] = [], cwd: String = "/", user: RuntimeUser = RuntimeUser(),
        terminal: Bool = false, consoleSize: RuntimeConsoleSize? = nil,
        capabilities: RuntimeCapabilities? = nil,
        rlimits: [RuntimeRlimit] = [], noNewPrivileges: Bool = false, apparmorProfile: String? = nil,
        selinuxLabel: String? = nil, oomScoreAdj: Int? = nil, ioPriority: RuntimeIOPriority? = nil
    ) {
        self.args = args
        self.env = env
        self.cwd = cwd
        self.user = user
        self.terminal = terminal
        self.consoleSize = consoleSize
        self.capabilities = capabilities
        self.rlimits = rlimits
        self.noNewPrivileges = noNewPrivileges
        self.apparmorProfile = apparmorProfile
        self.selinuxLabel = selinuxLabel
        self.oomScoreAdj = oomScoreAdj
        self.ioPriority = ioPriority
    }

    package init(json: JSONValue) throws(RuntimeSpecError) {
        try self.init(fields: RuntimeFields(json, at: "process"))
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        args = try fields.strings("args")
        env = try fields.strings("env")
        cwd = try fields.string("cwd") ?? ""
        user = try fields.object("user", RuntimeUser.init(fields:)) ?? RuntimeUser()
        terminal = try fields.bool("terminal") ?? false
        consoleSize = try fields.object("consoleSize", RuntimeConsoleSize.init(fields:))
        capabilities = try fields.object("capabilities", RuntimeCapabilities.init(fields:))
        rlimits = try fields.objects("rlimits", RuntimeRlimit.init(fields:))
        noNewPrivileges = try fields.bool("noNewPrivileges") ?? false
        apparmorProfile = try fields.string("apparmorProfile")
        selinuxLabel = try fields.string("selinuxLabel")
        oomScoreAdj = try fields.integer("oomScoreAdj")
        ioPriority = try fields.object("ioPriority", RuntimeIOPriority.init(fields:))
        if let adjustment = oomScoreAdj, !(-1000...1000).contains(adjustment) {
            throw RuntimeSpecError(.outOfRange, fields.place("oomScoreAdj"), "must be from -1000 to 1000")
        }
        guard try fields.object("scheduler", { $0 }) == nil else {
            throw RuntimeSpecError(.invalidValue, fields.place("scheduler"), "is not supported")
        }
    }

    package var json: JSONValue {
        var object = RuntimeObject()
        object.set("terminal", terminal ? true : nil)
        object.set("consoleSize", consoleSize?.json)
        object.set("user", user.json)
        object.set("args", args)
        object.set("env", env)
        object.set("cwd", cwd)
        object.set("capabilities", capabilities?.json)
        object.set("rlimits", rlimits.map(\.json))
        object.set("noNewPrivileges", noNewPrivileges ? true : nil)
        object.set("apparmorProfile", apparmorProfile)
        object.set("oomScoreAdj", oomScoreAdj)
        object.set("selinuxLabel", selinuxLabel)
        object.set("ioPriority", ioPriority?.json)
        return object.json
    }
}

package struct RuntimeUser: Sendable, Equatable {
    package var uid: UInt32
    package var gid: UInt32
    package var additionalGids: [UInt32]
    /// Nil for 0022.
    package var umask: UInt32?

    package init(uid: UInt32 = 0, gid: UInt32 = 0, additionalGids: [UInt32] = [], umask: UInt32? = nil) {
        self.uid = uid
        self.gid = gid
        self.additionalGids = additionalGids
        self.umask = umask
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        uid = try fields.integer("uid") ?? 0
        gid = try fields.integer("gid") ?? 0
        additionalGids = try fields.integers("additionalGids")
        umask = try fields.integer("umask")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("uid", uid)
        object.set("gid", gid)
        object.set("umask", umask)
        object.set("additionalGids", additionalGids.map { JSONValue.integer(Int64($0)) })
        return object.json
    }
}

/// The size of a terminal in characters.
package struct RuntimeConsoleSize: Sendable, Equatable {
    package var height: UInt16
    package var width: UInt16

    package init(height: UInt16, width: UInt16) {
        self.height = height
        self.width = width
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        height = try fields.requiredInteger("height")
        width = try fields.requiredInteger("width")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("height", height)
        object.set("width", width)
        return object.json
    }
}

/// Capability sets by name (`CAP_CHOWN`), see capabilities(7).
package struct RuntimeCapabilities: Sendable, Equatable {
    package var bounding: [String]
    package var effective: [String]
    package var inheritable: [String]
    package var permitted: [String]
    package var ambient: [String]

    package init(
        bounding: [String] = [], effective: [String] = [], inheritable: [String] = [],
        permitted: [String] = [],
        ambient: [String] = []
    ) {
        self.bounding = bounding
        self.effective = effective
        self.inheritable = inheritable
        self.permitted = permitted
        self.ambient = ambient
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        bounding = try fields.strings("bounding")
        effective = try fields.strings("effective")
        inheritable = try fields.strings("inheritable")
        permitted = try fields.strings("permitted")
        ambient = try fields.strings("ambient")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("bounding", bounding)
        object.set("effective", effective)
        object.set("inheritable", inheritable)
        object.set("permitted", permitted)
        object.set("ambient", ambient)
        return object.json
    }
}

/// A resource limit, see setrlimit(2).
package struct RuntimeRlimit: Sendable, Equatable {
    /// `RLIMIT_NOFILE`, …
    package var type: String
    package var soft: UInt64
    package var hard: UInt64

    package init(type: String, soft: UInt64, hard: UInt64) {
        self.type = type
        self.soft = soft
        self.hard = hard
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        type = try fields.requiredString("type")
        soft = try fields.requiredInteger("soft")
        hard = try fields.requiredInteger("hard")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("type", type)
        object.set("hard", hard)
        object.set("soft", soft)
        return object.json
    }
}

/// A scheduling class and priority of block I/O, see ioprio_set(2).
package struct RuntimeIOPriority: Sendable, Equatable {
    package enum Class: String, Sendable {
        case realTime = "IOPRIO_CLASS_RT"
        case bestEffort = "IOPRIO_CLASS_BE"
        case idle = "IOPRIO_CLASS_IDLE"
    }

    package var `class`: Class
    /// 0 (highest) to 7.
    package var priority: Int32

    package init(class: Class, priority: Int32) {
        self.class = `class`
        self.priority = priority
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        let name = try fields.requiredString("class")
        guard let known = Class(rawValue: name) else {
            throw RuntimeSpecError(.invalidValue, fields.place("class"), "unknown class \(name)")
        }
        self.class = known
        priority = try fields.integer("priority") ?? 0
        guard (0...7).contains(priority) else {
            throw RuntimeSpecError(.outOfRange, fields.place("priority"), "must be from 0 to 7")
        }
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("class", self.class.rawValue)
        object.set("priority", priority)
        return object.json
    }
}
