import JSONCodec
import LinuxKernel
package import OCIModel

/// A further process in a running container, created and started in one step.
package struct ExecRequest: Sendable {
    /// The exec session's id, 64 hexadecimal digits, unique among the shim's sessions.
    package var execID: String
    /// `process` of the OCI runtime specification; `terminal` and `consoleSize` decide about the terminal.
    package var process: RuntimeProcess
    /// As `CreateRequest.user`, resolved in the container's passwd and group files.
    package var user: String?
    package var groupAdd: [String]
    /// The process gets a stdin of its own; without it stdin is /dev/null, or the terminal.
    package var openStdin: Bool
    /// As `CreateRequest.seccompProgram`.
    package var seccompProgram: String?
    /// Clients that attach from the first byte on; none for a detached exec, whose output is discarded.
    package var attachments: [AttachRequest]

    package init(
        execID: String, process: RuntimeProcess, user: String? = nil, groupAdd: [String] = [],
        openStdin: Bool = false, seccompProgram: String? = nil, attachments: [AttachRequest] = []
    ) {
        self.execID = execID
        self.process = process
        self.user = user
        self.groupAdd = groupAdd
        self.openStdin = openStdin
        self.seccompProgram = seccompProgram
        self.attachments = attachments
    }

    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("execID", execID)
        builder.set("process", value: process.json)
        builder.set("user", user)
        builder.set("groupAdd", strings: groupAdd)
        builder.set("openStdin", flag: openStdin)
        builder.set("seccompProgram", seccompProgram)
        if !attachments.isEmpty {
            builder.set("attachments", value: .array(attachments.map { $0.encoded() }))
        }
        return builder.value
    }

    init(decoding value: JSONValue, _ sockets: [SharedDescriptor]) throws(ShimError) {
        var fields = try MessageFields(value, "exec")
        execID = try fields.string("execID")
        let json = try fields.required("process")
        process = try specified { () throws(RuntimeSpecError) in try RuntimeProcess(json: json) }
        user = try fields.optionalString("user")
        groupAdd = try fields.strings("groupAdd")
        openStdin = try fields.flag("openStdin")
        seccompProgram = try fields.optionalString("seccompProgram")
        attachments = try AttachRequest.list(try fields.array("attachments"), sockets)
        try fields.finish()
    }
}
