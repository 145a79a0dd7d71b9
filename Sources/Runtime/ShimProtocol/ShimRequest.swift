import JSONCodec
import LinuxKernel
package import OCIModel

/// What the daemon asks of a shim. Every request is answered by exactly one `ShimReply` with its id; several may be
/// outstanding, and they are answered in any order.
package enum ShimRequest: Sendable {
    /// First, once, on the connection that the shim inherited. Prepares everything up to the program's exec: root
    /// filesystem, namespaces, control group, log. → `created` with one descriptor, the container's network namespace.
    /// After a failure nothing is left behind and the shim exits.
    case create(CreateRequest)
    /// Executes the program; the network has been attached by then. → `started`. A failure (program not found: exit
    /// code 127, not executable: 126) leaves nothing behind and the shim exits.
    case start
    /// A further process. → `execStarted`; later the event `execExited`.
    case exec(ExecRequest)
    /// Sets the size of the terminal of an exec session, or of the container (nil). → `done`
    case resize(execID: String?, width: UInt16, height: UInt16)
    /// Sends a signal by number to the container's PID 1, to everything in the container, or to an exec's process.
    /// → `done`; `notFound` where the process has ended.
    case signal(execID: String?, number: Int32, all: Bool)
    /// Freezes the control group. → `done`
    case pause
    /// Thaws the control group. → `done`
    case resume
    /// Changes limits: `linux.resources` of the OCI runtime specification, only what it holds. → `done`
    case update(resources: RuntimeResources)
    /// Hands a client's stream over. → `done`; later the event `attachEnded`.
    case attach(AttachRequest)
    /// Closes the stdin of an exec's process, or of the container's (nil). → `done`
    case closeStdin(execID: String?)
    /// Asks for the root filesystem without what is mounted in it. → `root` with one descriptor (O_PATH, a mount that is
    /// in no namespace); `unsupported` where it is no overlay or the kernel is older than 6.15: then the upper
    /// directory or `/proc/<pid>/root` have to serve. To be closed soon: it keeps the overlay alive.
    case root
    /// → `state`, for a daemon that reconnects: everything that it may have missed is in there.
    case state
    /// → `exited`, at once or when the container exits.
    case wait
    /// Ends the container if need be (with `force`, else a running one is a conflict), removes what is left and exits.
    /// → `done`, the last message. For a container that was created and is not to be started, and for cleaning up.
    case delete(force: Bool)

    var operation: String {
        switch self {
        case .create: "create"
        case .start: "start"
        case .exec: "exec"
        case .resize: "resize"
        case .signal: "signal"
        case .pause: "pause"
        case .resume: "resume"
        case .update: "update"
        case .attach: "attach"
        case .closeStdin: "closeStdin"
        case .root: "root"
        case .state: "state"
        case .wait: "wait"
        case .delete: "delete"
        }
    }

    private var attachments: [AttachRequest] {
        switch self {
        case .create(let request): request.attachments
        case .exec(let request): request.attachments
        case .attach(let request): [request]
        default: []
        }
    }

    private func arguments() -> JSONValue {
        var builder = MessageBuilder()
        switch self {
        case .create(let request): return request.encoded()
        case .exec(let request): return request.encoded()
        case .attach(let request): return request.encoded()
        case .update(let resources): builder.set("resources", value: resources.json)
        case .resize(let execID, let width, let height):
            builder.set("execID", execID)
            builder.set("width", width)
            builder.set("height", height)
        case .signal(let execID, let number, let all):
            builder.set("execID", execID)
            builder.set("number", number)
            builder.set("all", flag: all)
        case .closeStdin(let execID): builder.set("execID", execID)
        case .delete(let force): builder.set("force", flag: force)
        case .start, .pause, .resume, .root, .state, .wait: break
        }
        return builder.value
    }

    /// The request as a frame: `{"id":7,"op":"resize","args":{…}}`.
    package func frame(id: UInt64) -> ShimFrame {
        var builder = MessageBuilder()
        builder.set("id", id)
        builder.set("op", operation)
        builder.set("args", value: arguments())
        return ShimFrame(text: builder.value.bytes(), descriptors: attachments.map(\.socket))
    }
}

/// A request with its id, as the shim receives it.
package struct ShimRequestMessage: Sendable {
    package let id: UInt64
    /// What was asked, or why it cannot be understood (answered with the same id).
    package let request: Result<ShimRequest, ShimError>

    /// - Throws: `ShimError.malformedMessage` where not even the id can be read; the connection is of no use then
    package init(decoding frame: ShimFrame) throws(ShimError) {
        var fields = try MessageFields(try parse(frame.text), "request")
        id = try fields.integer("id")
        do throws(ShimError) {
            let operation = try fields.string("op")
            let arguments = try fields.required("args")
            try fields.finish()
            request = .success(try ShimRequest(operation, arguments, frame.descriptors))
        } catch {
            request = .failure(error)
        }
    }
}

extension ShimRequest {
    init(_ operation: String, _ arguments: JSONValue, _ descriptors: [SharedDescriptor]) throws(ShimError) {
        switch operation {
        case "create": self = .create(try CreateRequest(decoding: arguments, descriptors))
        case "exec": self = .exec(try ExecRequest(decoding: arguments, descriptors))
        case "attach": self = .attach(try AttachRequest.list([arguments], descriptors)[0])
        default:
            guard descriptors.isEmpty else {
                throw ShimError(.malformedMessage, "\(operation): takes no descriptors")
            }
            var fields = try MessageFields(arguments, operation)
            self = try Self.plain(operation, &fields)
            try fields.finish()
        }
    }

    private static func plain(
        _ operation: String, _ fields: inout MessageFields
    ) throws(ShimError) -> ShimRequest {
        switch operation {
        case "start": .start
        case "pause": .pause
        case "resume": .resume
        case "root": .root
        case "state": .state
        case "wait": .wait
        case "update": .update(resources: try decodeResources(try fields.required("resources")))
        case "closeStdin": .closeStdin(execID: try fields.optionalString("execID"))
        case "delete": .delete(force: try fields.flag("force"))
        case "resize":
            .resize(
                execID: try fields.optionalString("execID"), width: try fields.integer("width"),
                height: try fields.integer("height"))
        case "signal":
            .signal(
                execID: try fields.optionalString("execID"), number: try fields.integer("number"),
                all: try fields.flag("all"))
        default: throw ShimError(.unsupported, "this shim does not know the operation \(operation)")
        }
    }
}

func parse(_ text: [UInt8]) throws(ShimError) -> JSONValue {
    do throws(JSONSyntaxError) {
        return try JSONValue(parsing: text)
    } catch {
        throw ShimError(.malformedMessage, error.description)
    }
}

private func decodeResources(_ value: JSONValue) throws(ShimError) -> RuntimeResources {
    try specified { () throws(RuntimeSpecError) in try RuntimeResources(json: value) }
}

/// Turns what is wrong with a part of a runtime specification into an error of the conversation.
func specified<T>(_ body: () throws(RuntimeSpecError) -> T) throws(ShimError) -> T {
    do throws(RuntimeSpecError) {
        return try body()
    } catch {
        throw ShimError(.invalidValue, error.message)
    }
}
