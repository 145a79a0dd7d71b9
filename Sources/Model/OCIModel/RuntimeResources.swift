package import JSONCodec

/// Limits of a container's control group ("Control groups"). Absent values leave what the kernel has; -1 means unlimited.
package struct RuntimeResources: Sendable, Equatable {
    package var devices: [RuntimeDeviceRule] = []
    package var memory: RuntimeMemory?
    package var cpu: RuntimeCPU?
    /// The number of tasks; 0 or less for no limit.
    package var pidsLimit: Int64?
    package var blockIO: RuntimeBlockIO?
    package var hugepageLimits: [RuntimeHugepageLimit] = []
    package var network: RuntimeNetworkResources?
    /// cgroup v2 files by name, written as they are.
    package var unified: [String: String] = [:]

    package init() {}

    package init(json: JSONValue) throws(RuntimeSpecError) {
        try self.init(fields: RuntimeFields(json, at: "resources"))
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        devices = try fields.objects("devices", RuntimeDeviceRule.init(fields:))
        memory = try fields.object("memory", RuntimeMemory.init(fields:))
        cpu = try fields.object("cpu", RuntimeCPU.init(fields:))
        pidsLimit =
            try fields.object("pids") { (pids) throws(RuntimeSpecError) in
                try pids.integer("limit", Int64.self)
            } ?? nil
        blockIO = try fields.object("blockIO", RuntimeBlockIO.init(fields:))
        hugepageLimits = try fields.objects("hugepageLimits", RuntimeHugepageLimit.init(fields:))
        network = try fields.object("network", RuntimeNetworkResources.init(fields:))
        unified = try fields.stringMap("unified")
        if try fields.object("rdma", { $0.isEmpty }) == false {
            throw RuntimeSpecError(.invalidValue, fields.place("rdma"), "is not supported")
        }
    }

    package var json: JSONValue {
        var object = RuntimeObject()
        object.set("devices", devices.map(\.json))
        object.set("memory", memory?.json)
        object.set("cpu", cpu?.json)
        if let pidsLimit {
            var pids = RuntimeObject()
            pids.set("limit", pidsLimit)
            object.set("pids", pids.json)
        }
        object.set("blockIO", blockIO?.json)
        object.set("hugepageLimits", hugepageLimits.map(\.json))
        object.set("network", network?.json)
        object.set("unified", unified)
        return object.json
    }
}

/// Allows or denies access to devices; later rules win.
package struct RuntimeDeviceRule: Sendable, Equatable {
    package var allow: Bool
    /// `a` (all), `c` or `b`.
    package var type: String
    /// Nil for every number.
    package var major: Int64?
    package var minor: Int64?
    /// Any of `r`, `w`, `m`.
    package var access: String

    package init(
        allow: Bool, type: String = "a", major: Int64? = nil, minor: Int64? = nil, access: String = "rwm"
    ) {
        self.allow = allow
        self.type = type
        self.major = major
        self.minor = minor
        self.access = access
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        allow = try fields.bool("allow") ?? false
        let type = try fields.string("type") ?? ""
        self.type = type.isEmpty ? "a" : type
        guard ["a", "b", "c"].contains(self.type) else {
            throw RuntimeSpecError(.invalidValue, fields.place("type"), "unknown device type \(type)")
        }
        // -1 is an older way to say "every number".
        major = try fields.integer("major", Int64.self).flatMap { $0 < 0 ? nil : $0 }
        minor = try fields.integer("minor", Int64.self).flatMap { $0 < 0 ? nil : $0 }
        access = try fields.string("access") ?? "rwm"
        guard access.utf8.allSatisfy({ "rwm".utf8.contains($0) }) else {
            throw RuntimeSpecError(
                .invalidValue, fields.place("access"), "\(access) must consist of r, w and m")
        }
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("allow", allow)
        object.set("type", type)
        object.set("major", major)
        object.set("minor", minor)
        object.set("access", access)
        return object.json
    }
}

/// All in bytes.
package struct RuntimeMemory: Sendable, Equatable {
    package var limit: Int64?
    package var reservation: Int64?
    /// Memory and swap together.
    package var swap: Int64?
    package var kernel: Int64?
    package var kernelTCP: Int64?
    /// 0 to 100.
    package var swappiness: UInt64?
    package var disableOOMKiller: Bool?

    package init(
        limit: Int64? = nil, reservation: Int64? = nil, swap: Int64? = nil, kernel: Int64? = nil,
        kernelTCP: Int64? = nil, swappiness: UInt64? = nil, disableOOMKiller: Bool? = nil
    ) {
        self.limit = limit
        self.reservation = reservation
        self.swap = swap
        self.kernel = kernel
        self.kernelTCP = kernelTCP
        self.swappiness = swappiness
        self.disableOOMKiller = disableOOMKiller
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        limit = try fields.integer("limit")
        reservation = try fields.integer("reservation")
        swap = try fields.integer("swap")
        kernel = try fields.integer("kernel")
        kernelTCP = try fields.integer("kernelTCP")
        swappiness = try fields.integer("swappiness")
        disableOOMKiller = try fields.bool("disableOOMKiller")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("limit", limit)
        object.set("reservation", reservation)
        object.set("swap", swap)
        object.set("kernel", kernel)
        object.set("kernelTCP", kernelTCP)
        object.set("swappiness", swappiness)
        object.set("disableOOMKiller", disableOOMKiller)
        return object.json
    }
}

package struct RuntimeCPU: Sendable, Equatable {
    /// 2 to 262144.
    package var shares: UInt64?
    /// Microseconds per period; negative for no limit.
    package var quota: Int64?
    package var burst: UInt64?
    package var period: UInt64?
    package var realtimeRuntime: Int64?
    package var realtimePeriod: UInt64?
    /// Lists such as `0-2,7`.
    package var cpus: String?
    package var mems: String?
    package var idle: Int64?

    package init() {}

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        shares = try fields.integer("shares")
        quota = try fields.integer("quota")
        burst = try fields.integer("burst")
        period = try fields.integer("period")
        realtimeRuntime = try fields.integer("realtimeRuntime")
        realtimePeriod = try fields.integer("realtimePeriod")
        cpus = try fields.string("cpus")
        mems = try fields.string("mems")
        idle = try fields.integer("idle")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("shares", shares)
        object.set("quota", quota)
        object.set("burst", burst)
        object.set("period", period)
        object.set("realtimeRuntime", realtimeRuntime)
        object.set("realtimePeriod", realtimePeriod)
        object.set("cpus", cpus)
        object.set("mems", mems)
        object.set("idle", idle)
        return object.json
    }
}

package struct RuntimeHugepageLimit: Sendable, Equatable {
    /// `2MB`, `1GB`, …
    package var pageSize: String
    /// Bytes.
    package var limit: UInt64

    package init(pageSize: String, limit: UInt64) {
        self.pageSize = pageSize
        self.limit = limit
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        pageSize = try fields.requiredString("pageSize")
        limit = try fields.requiredInteger("limit")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("pageSize", pageSize)
        object.set("limit", limit)
        return object.json
    }
}

/// Marks on what a container sends ("Network"): for other programs' rules, in version 1 of control groups only.
package struct RuntimeNetworkResources: Sendable, Equatable {
    /// The class of the packets, for traffic control and iptables; nil for none.
    package var classID: UInt32?
    package var priorities: [RuntimeInterfacePriority] = []

    package init(classID: UInt32? = nil, priorities: [RuntimeInterfacePriority] = []) {
        self.classID = classID
        self.priorities = priorities
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        classID = try fields.integer("classID", UInt32.self)
        priorities = try fields.objects("priorities", RuntimeInterfacePriority.init(fields:))
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("classID", classID)
        object.set("priorities", priorities.map(\.json))
        return object.json
    }
}

/// The priority of what leaves by an interface of the runtime's namespace.
package struct RuntimeInterfacePriority: Sendable, Equatable {
    package var name: String
    package var priority: UInt32

    package init(name: String, priority: UInt32) {
        self.name = name
        self.priority = priority
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        name = try fields.requiredString("name")
        priority = try fields.requiredInteger("priority")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("name", name)
        object.set("priority", priority)
        return object.json
    }
}
