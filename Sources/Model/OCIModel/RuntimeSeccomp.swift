package import JSONCodec

/// A system call filter ("Seccomp" of config-linux.md).
package struct RuntimeSeccomp: Sendable, Equatable {
    /// `SCMP_ACT_ERRNO`, …
    package var defaultAction: String
    package var defaultErrno: UInt32?
    /// `SCMP_ARCH_X86_64`, …
    package var architectures: [String]
    /// `SECCOMP_FILTER_FLAG_LOG`, …
    package var flags: [String]
    package var listenerPath: String?
    package var listenerMetadata: String?
    package var syscalls: [RuntimeSyscallRule]

    package init(
        defaultAction: String, defaultErrno: UInt32? = nil, architectures: [String] = [],
        flags: [String] = [],
        syscalls: [RuntimeSyscallRule] = []
    ) {
        self.defaultAction = defaultAction
        self.defaultErrno = defaultErrno
        self.architectures = architectures
        self.flags = flags
        self.syscalls = syscalls
    }

    package init(json: JSONValue) throws(RuntimeSpecError) {
        try self.init(fields: RuntimeFields(json, at: "seccomp"))
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        defaultAction = try fields.requiredString("defaultAction")
        defaultErrno = try fields.integer("defaultErrnoRet")
        architectures = try fields.strings("architectures")
        flags = try fields.strings("flags")
        listenerPath = try fields.string("listenerPath")
        listenerMetadata = try fields.string("listenerMetadata")
        syscalls = try fields.objects("syscalls", RuntimeSyscallRule.init(fields:))
    }

    package var json: JSONValue {
        var object = RuntimeObject()
        object.set("defaultAction", defaultAction)
        object.set("defaultErrnoRet", defaultErrno)
        object.set("architectures", architectures)
        object.set("flags", flags)
        object.set("listenerPath", listenerPath)
        object.set("listenerMetadata", listenerMetadata)
        object.set("syscalls", syscalls.map(\.json))
        return object.json
    }
}

package struct RuntimeSyscallRule: Sendable, Equatable {
    package var names: [String]
    package var action: String
    package var errno: UInt32?
    package var args: [RuntimeSyscallArgument]

    package init(
        names: [String], action: String, errno: UInt32? = nil, args: [RuntimeSyscallArgument] = []
    ) {
        self.names = names
        self.action = action
        self.errno = errno
        self.args = args
    }

    package init(fields: RuntimeFields) throws(RuntimeSpecError) {
        names = try fields.strings("names")
        action = try fields.requiredString("action")
        errno = try fields.integer("errnoRet")
        args = try fields.objects("args", RuntimeSyscallArgument.init(fields:))
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("names", names)
        object.set("action", action)
        object.set("errnoRet", errno)
        object.set("args", args.map(\.json))
        return object.json
    }
}

package struct RuntimeSyscallArgument: Sendable, Equatable {
    /// 0 to 5.
    package var index: UInt32
    package var value: UInt64
    package var valueTwo: UInt64
    /// `SCMP_CMP_EQ`, …
    package var comparison: String

    package init(index: UInt32, value: UInt64, valueTwo: UInt64 = 0, comparison: String) {
        self.index = index
        self.value = value
        self.valueTwo = valueTwo
        self.comparison = comparison
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        index = try fields.requiredInteger("index")
        value = try fields.requiredInteger("value")
        valueTwo = try fields.integer("valueTwo") ?? 0
        comparison = try fields.requiredString("op")
        guard index < 6 else {
            throw RuntimeSpecError(.outOfRange, fields.place("index"), "must be from 0 to 5")
        }
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("index", index)
        object.set("value", value)
        object.set("valueTwo", valueTwo == 0 ? nil : valueTwo)
        object.set("op", comparison)
        return object.json
    }
}
