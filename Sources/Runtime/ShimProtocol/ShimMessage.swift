import JSONCodec
package import LinuxKernel
package import OCIModel

/// The answer to one request.
package enum ShimReply: Sendable {
    /// PID 1 exists and waits for `start`.
    /// - pid: in the shim's PID namespace
    /// - networkNamespace: a descriptor of the namespace that was made for it; nil where it shares an existing one
    case created(pid: Int32, networkNamespace: SharedDescriptor?)
    case started(pid: Int32, at: Timestamp)
    case execStarted(pid: Int32)
    /// The root filesystem without what is mounted in it.
    case root(SharedDescriptor)
    case state(ShimState)
    case exited(ExitRecord)
    case done
    case failed(ShimError)
}

/// What a shim reports on its own, to every connected daemon.
package enum ShimEvent: Sendable {
    /// The container's program has ended and `exit.json` is written. Sent before clients have got their last bytes. The
    /// shim exits on its own afterwards; nothing need be sent to it.
    case exited(ExitRecord)
    /// An exec's process has ended; sent when its output is drained.
    case execExited(ExecExit)
    case attachEnded(id: String, execID: String?, reason: AttachEnd)
    /// The kernel killed a process of the container for want of memory.
    case outOfMemory
    /// Something that an administrator should know: the log cannot be written, for example.
    case warning(String)
}

/// How a client's stream came to its end.
package enum AttachEnd: String, Sendable, CaseIterable {
    /// The process has ended and everything was sent.
    case drained
    /// The client typed the detach keys.
    case detached
    /// The client went away.
    case disconnected
    /// The client took nothing for too long after the container's end, or the process could not be started.
    case abandoned
}

/// How an exec's process ended.
package struct ExecExit: Sendable, Equatable {
    package var execID: String
    package var pid: Int32
    /// 0 to 255; 128 + n where signal n ended it.
    package var code: Int32
    package var exitedAt: Timestamp

    package init(execID: String, pid: Int32, code: Int32, exitedAt: Timestamp) {
        self.execID = execID
        self.pid = pid
        self.code = code
        self.exitedAt = exitedAt
    }

    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("execID", execID)
        builder.set("pid", pid)
        builder.set("code", code)
        builder.set("exitedAt", exitedAt.description)
        return builder.value
    }

    init(decoding value: JSONValue) throws(ShimError) {
        var fields = try MessageFields(value, "exec exit")
        execID = try fields.string("execID")
        pid = try fields.integer("pid")
        code = try fields.integer("code")
        exitedAt = try fields.timestamp("exitedAt")
    }
}

/// What a daemon receives.
package enum ShimMessage: Sendable {
    case reply(id: UInt64, ShimReply)
    case event(ShimEvent)
}

extension ShimMessage {
    /// `{"id":7,"reply":"created","args":{…}}` or `{"event":"exited","args":{…}}`.
    package func frame() -> ShimFrame {
        var builder = MessageBuilder()
        var descriptors: [SharedDescriptor] = []
        switch self {
        case .reply(let id, let reply):
            builder.set("id", id)
            let (name, arguments) = reply.encoded()
            builder.set("reply", name)
            builder.set("args", value: arguments)
            if case .created(_, let namespace?) = reply { descriptors.append(namespace) }
            if case .root(let tree) = reply { descriptors.append(tree) }
        case .event(let event):
            let (name, arguments) = event.encoded()
            builder.set("event", name)
            builder.set("args", value: arguments)
        }
        return ShimFrame(text: builder.value.bytes(), descriptors: descriptors)
    }

    /// Members that this daemon does not know are passed over: a newer shim may say more.
    package init(decoding frame: ShimFrame) throws(ShimError) {
        var fields = try MessageFields(try parse(frame.text), "message")
        let arguments = try fields.required("args")
        if let event = try fields.optionalString("event") {
            self = .event(try ShimEvent(event, arguments))
        } else {
            let id: UInt64 = try fields.integer("id")
            self = .reply(id: id, try ShimReply(try fields.string("reply"), arguments, frame.descriptors))
        }
    }
}

extension ShimReply {
    func encoded() -> (String, JSONValue) {
        var builder = MessageBuilder()
        switch self {
        case .created(let pid, _):
            builder.set("pid", pid)
            return ("created", builder.value)
        case .started(let pid, let time):
            builder.set("pid", pid)
            builder.set("at", time.description)
            return ("started", builder.value)
        case .execStarted(let pid):
            builder.set("pid", pid)
            return ("execStarted", builder.value)
        case .root: return ("root", builder.value)
        case .state(let state): return ("state", state.encoded())
        case .exited(let record): return ("exited", record.encoded())
        case .done: return ("done", builder.value)
        case .failed(let error):
            builder.set("code", error.code.rawValue)
            builder.set("message", error.message)
            builder.set("exitCode", error.exitCode)
            return ("failed", builder.value)
        }
    }

    init(_ name: String, _ arguments: JSONValue, _ descriptors: [SharedDescriptor]) throws(ShimError) {
        var fields = try MessageFields(arguments, name)
        switch name {
        case "created":
            self = .created(pid: try fields.integer("pid"), networkNamespace: descriptors.first)
        case "started": self = .started(pid: try fields.integer("pid"), at: try fields.timestamp("at"))
        case "execStarted": self = .execStarted(pid: try fields.integer("pid"))
        case "root":
            guard let tree = descriptors.first else {
                throw ShimError(.malformedMessage, "root: the shim sent no descriptor")
            }
            self = .root(tree)
        case "state": self = .state(try ShimState(decoding: arguments))
        case "exited": self = .exited(try ExitRecord(decoding: arguments))
        case "done": self = .done
        case "failed":
            let code = ShimError.Code(rawValue: try fields.string("code")) ?? .internal
            self = .failed(
                ShimError(
                    code, try fields.string("message"), exitCode: try fields.optionalInteger("exitCode")))
        default: throw ShimError(.unsupported, "the shim sent a reply of the unknown kind \(name)")
        }
    }
}

extension ShimEvent {
    func encoded() -> (String, JSONValue) {
        var builder = MessageBuilder()
        switch self {
        case .exited(let record): return ("exited", record.encoded())
        case .execExited(let exit): return ("execExited", exit.encoded())
        case .attachEnded(let id, let execID, let reason):
            builder.set("id", id)
            builder.set("execID", execID)
            builder.set("reason", reason.rawValue)
            return ("attachEnded", builder.value)
        case .outOfMemory: return ("outOfMemory", builder.value)
        case .warning(let message):
            builder.set("message", message)
            return ("warning", builder.value)
        }
    }

    init(_ name: String, _ arguments: JSONValue) throws(ShimError) {
        var fields = try MessageFields(arguments, name)
        switch name {
        case "exited": self = .exited(try ExitRecord(decoding: arguments))
        case "execExited": self = .execExited(try ExecExit(decoding: arguments))
        case "attachEnded":
            let text = try fields.string("reason")
            guard let reason = AttachEnd(rawValue: text) else {
                throw fields.mismatch("reason", "a known reason")
            }
            self = .attachEnded(
                id: try fields.string("id"), execID: try fields.optionalString("execID"), reason: reason)
        case "outOfMemory": self = .outOfMemory
        case "warning": self = .warning(try fields.string("message"))
        default: throw ShimError(.unsupported, "the shim sent an event of the unknown kind \(name)")
        }
    }
}

extension MessageFields {
    mutating func timestamp(_ key: String) throws(ShimError) -> Timestamp {
        guard let time = Timestamp(rfc3339: try string(key)) else { throw mismatch(key, "an RFC 3339 time") }
        return time
    }

    mutating func optionalTimestamp(_ key: String) throws(ShimError) -> Timestamp? {
        guard optional(key) != nil else { return nil }
        return try timestamp(key)
    }
}
