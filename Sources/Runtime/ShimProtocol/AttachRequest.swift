import JSONCodec
package import LinuxKernel

/// A client's stream that the shim serves from now on: it writes the framed (or, with a terminal, raw) output and reads
/// the input until the client detaches, goes away, or everything is drained.
///
/// The daemon passes the client's own socket (or one end of a socketpair where the transport is no plain socket), after
/// it has written the HTTP response, or with that in `preamble`; it must not touch the socket afterwards, unless the
/// shim refuses the request. The shim closes it at the end of the
/// session, after `shutdown`, and reports `ShimEvent.attachEnded`.
package struct AttachRequest: Sendable {
    /// Chosen by the daemon, unique among the shim's open streams; `attachEnded` carries it.
    package var id: String
    /// The exec session to attach to; nil for the container.
    package var execID: String?
    /// What of the client's wish is to be served. Input is read only where the process has an open stdin.
    package var stdin: Bool
    package var stdout: Bool
    package var stderr: Bool
    /// Replays the log from its beginning, before live output; nothing is lost or doubled in between.
    package var logs: Bool
    /// Goes on with live output; without it the stream ends behind the replay.
    package var stream: Bool
    /// Keys that detach a client of a terminal, as bytes (see `DetachKeys.parse`); empty for none.
    package var detachKeys: [UInt8]
    /// Input that the daemon had read from the client already.
    package var buffered: [UInt8]
    /// What the client gets first: the answer that tells it that it is attached, and from when on it misses nothing.
    package var preamble: [UInt8] = []
    /// The client had closed its sending side when the daemon handed it over.
    package var inputEnded: Bool
    /// The client's socket: a stream socket, in whatever blocking mode (the shim sets O_NONBLOCK).
    package var socket: SharedDescriptor

    package init(
        id: String, execID: String? = nil, stdin: Bool = false, stdout: Bool = true, stderr: Bool = true,
        logs: Bool = false, stream: Bool = true, detachKeys: [UInt8] = DetachKeys.standard,
        buffered: [UInt8] = [], inputEnded: Bool = false, socket: SharedDescriptor
    ) {
        self.id = id
        self.execID = execID
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.logs = logs
        self.stream = stream
        self.detachKeys = detachKeys
        self.buffered = buffered
        self.inputEnded = inputEnded
        self.socket = socket
    }

    /// The message without the socket, which travels beside it.
    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("id", id)
        builder.set("execID", execID)
        builder.set("stdin", flag: stdin)
        builder.set("stdout", flag: stdout)
        builder.set("stderr", flag: stderr)
        builder.set("logs", flag: logs)
        builder.set("stream", flag: stream)
        builder.set("detachKeys", bytes: detachKeys)
        builder.set("buffered", bytes: buffered)
        builder.set("inputEnded", flag: inputEnded)
        builder.set("preamble", bytes: preamble)
        return builder.value
    }

    init(decoding value: JSONValue, socket: SharedDescriptor) throws(ShimError) {
        var fields = try MessageFields(value, "attach stream")
        id = try fields.string("id")
        execID = try fields.optionalString("execID")
        stdin = try fields.flag("stdin")
        stdout = try fields.flag("stdout")
        stderr = try fields.flag("stderr")
        logs = try fields.flag("logs")
        stream = try fields.flag("stream")
        detachKeys = try fields.bytes("detachKeys")
        buffered = try fields.bytes("buffered")
        inputEnded = try fields.flag("inputEnded")
        preamble = try fields.bytes("preamble")
        self.socket = socket
        try fields.finish()
    }
}

extension AttachRequest {
    /// Joins descriptions with the sockets that came beside them, one each.
    static func list(_ values: [JSONValue], _ sockets: [SharedDescriptor]) throws(ShimError)
        -> [AttachRequest]
    {
        guard values.count == sockets.count else {
            throw ShimError(
                .malformedMessage, "\(values.count) attach streams came with \(sockets.count) descriptors")
        }
        var requests: [AttachRequest] = []
        for (value, socket) in zip(values, sockets) {
            requests.append(try AttachRequest(decoding: value, socket: socket))
        }
        return requests
    }
}
