import JSONCodec
import LinuxKernel
package import OCIModel

/// The file names below `<exec-root>/shims/<container id>/`. The folder is the daemon's: made 0700 before the shim is
/// started, removed after the shim has gone and `exit.json` was read.
package enum ShimFolder {
    /// The socket on which the shim listens for a daemon that comes back. Relative to the folder, so connect through
    /// `/proc/self/fd/<folder>/shim.sock` where the whole path exceeds 107 bytes.
    package static let socket = "shim.sock"
    package static let state = "state.json"
    package static let exit = "exit.json"
    /// The descriptor on which a shim finds the daemon's end of the first connection.
    package static let inheritedDescriptor: Int32 = 3
}

/// What a shim knows about its container: `state.json`, and the reply to `state`.
package struct ShimState: Sendable, Equatable {
    package enum Status: String, Sendable, CaseIterable {
        case created, running, paused, exited
    }

    /// The version of messages and files.
    package static let currentVersion = 1

    package var version = ShimState.currentVersion
    package var containerID: String
    package var status: Status
    package var shimPid: Int32
    /// Field 22 of `/proc/<shimPid>/stat`: tells the shim from a later process with its number.
    package var shimStartTime: UInt64
    package var pid: Int32
    /// Field 22 of `/proc/<pid>/stat`.
    package var pidStartTime: UInt64
    package var createdAt: Timestamp
    package var startedAt: Timestamp?
    package var outOfMemory = false
    // MARK: Only in the reply, not in the file
    /// The exec sessions whose process runs.
    package var execs: [RunningExec] = []
    /// How earlier ones ended: the last 64.
    package var endedExecs: [ExecExit] = []
    /// The attach streams that are open.
    package var attachments: [String] = []

    package init(
        containerID: String, status: Status, shimPid: Int32, shimStartTime: UInt64, pid: Int32,
        pidStartTime: UInt64, createdAt: Timestamp, startedAt: Timestamp? = nil
    ) {
        self.containerID = containerID
        self.status = status
        self.shimPid = shimPid
        self.shimStartTime = shimStartTime
        self.pid = pid
        self.pidStartTime = pidStartTime
        self.createdAt = createdAt
        self.startedAt = startedAt
    }
}

/// An exec session whose process has not ended.
package struct RunningExec: Sendable, Equatable {
    package var execID: String
    package var pid: Int32

    package init(execID: String, pid: Int32) {
        self.execID = execID
        self.pid = pid
    }
}

/// How a container ended: `exit.json`, written before anybody is told.
package struct ExitRecord: Sendable, Equatable {
    package enum Cause: String, Sendable, CaseIterable {
        /// The program ended by itself or by a signal.
        case exited
        /// The shim ended it: `delete(force:)`, or a failure after the start that left no other way.
        case killedByShim
    }

    package var version = ShimState.currentVersion
    package var containerID: String
    package var pid: Int32
    /// 0 to 255; 128 + n where signal n ended the program.
    package var code: Int32
    /// The signal that ended the program; nil where it exited.
    package var signal: Int32?
    package var startedAt: Timestamp
    package var exitedAt: Timestamp
    /// The kernel killed a process of the container for want of memory.
    package var outOfMemory: Bool
    package var cause: Cause
    /// What could not be tidied up, for the daemon's log; empty where all is well.
    package var problems: [String]

    package init(
        containerID: String, pid: Int32, code: Int32, signal: Int32? = nil, startedAt: Timestamp,
        exitedAt: Timestamp, outOfMemory: Bool = false, cause: Cause = .exited, problems: [String] = []
    ) {
        self.containerID = containerID
        self.pid = pid
        self.code = code
        self.signal = signal
        self.startedAt = startedAt
        self.exitedAt = exitedAt
        self.outOfMemory = outOfMemory
        self.cause = cause
        self.problems = problems
    }
}

extension ShimState {
    func encoded(file: Bool = false) -> JSONValue {
        var builder = MessageBuilder()
        builder.set("version", version)
        builder.set("containerID", containerID)
        builder.set("status", status.rawValue)
        builder.set("shimPid", shimPid)
        builder.set("shimStartTime", shimStartTime)
        builder.set("pid", pid)
        builder.set("pidStartTime", pidStartTime)
        builder.set("createdAt", createdAt.description)
        builder.set("startedAt", startedAt?.description)
        builder.set("outOfMemory", flag: outOfMemory)
        guard !file else { return builder.value }
        let running = execs.map { exec in
            var builder = MessageBuilder()
            builder.set("execID", exec.execID)
            builder.set("pid", exec.pid)
            return builder.value
        }
        if !running.isEmpty { builder.set("execs", value: .array(running)) }
        if !endedExecs.isEmpty { builder.set("endedExecs", value: .array(endedExecs.map { $0.encoded() })) }
        builder.set("attachments", strings: attachments)
        return builder.value
    }

    init(decoding value: JSONValue) throws(ShimError) {
        var fields = try MessageFields(value, "state")
        let version: Int = try fields.integer("version")
        guard version == Self.currentVersion else {
            throw ShimError(.unsupported, "the shim speaks version \(version), not \(Self.currentVersion)")
        }
        guard let status = Status(rawValue: try fields.string("status")) else {
            throw fields.mismatch("status", "a known status")
        }
        self.init(
            containerID: try fields.string("containerID"), status: status,
            shimPid: try fields.integer("shimPid"), shimStartTime: try fields.integer("shimStartTime"),
            pid: try fields.integer("pid"), pidStartTime: try fields.integer("pidStartTime"),
            createdAt: try fields.timestamp("createdAt"),
            startedAt: try fields.optionalTimestamp("startedAt"))
        outOfMemory = try fields.flag("outOfMemory")
        for value in try fields.array("execs") {
            var exec = try MessageFields(value, "exec")
            execs.append(RunningExec(execID: try exec.string("execID"), pid: try exec.integer("pid")))
        }
        for value in try fields.array("endedExecs") { endedExecs.append(try ExecExit(decoding: value)) }
        attachments = try fields.strings("attachments")
    }

    /// Replaces `state.json` in the shim's folder; not synced, the folder is on a tmpfs.
    package func write(to folder: String) throws(ShimError) {
        try writeRecord("\(folder)/\(ShimFolder.state)", encoded(file: true))
    }

    /// nil where there is no `state.json`: the shim had not created anything yet.
    package init?(readingFrom folder: String) throws(ShimError) {
        guard let value = try readRecord("\(folder)/\(ShimFolder.state)") else { return nil }
        try self.init(decoding: value)
    }
}

extension ExitRecord {
    func encoded() -> JSONValue {
        var builder = MessageBuilder()
        builder.set("version", version)
        builder.set("containerID", containerID)
        builder.set("pid", pid)
        builder.set("code", code)
        builder.set("signal", signal)
        builder.set("startedAt", startedAt.description)
        builder.set("exitedAt", exitedAt.description)
        builder.set("outOfMemory", flag: outOfMemory)
        builder.set("cause", cause.rawValue)
        builder.set("problems", strings: problems)
        return builder.value
    }

    init(decoding value: JSONValue) throws(ShimError) {
        var fields = try MessageFields(value, "exit")
        version = try fields.integer("version")
        containerID = try fields.string("containerID")
        pid = try fields.integer("pid")
        code = try fields.integer("code")
        signal = try fields.optionalInteger("signal")
        startedAt = try fields.timestamp("startedAt")
        exitedAt = try fields.timestamp("exitedAt")
        outOfMemory = try fields.flag("outOfMemory")
        guard let cause = Cause(rawValue: try fields.string("cause")) else {
            throw fields.mismatch("cause", "a known cause")
        }
        self.cause = cause
        problems = try fields.strings("problems")
    }

    /// Replaces `exit.json` in the shim's folder.
    package func write(to folder: String) throws(ShimError) {
        try writeRecord("\(folder)/\(ShimFolder.exit)", encoded())
    }

    /// nil where there is no `exit.json`: the container runs, or its shim was killed.
    package init?(readingFrom folder: String) throws(ShimError) {
        guard let value = try readRecord("\(folder)/\(ShimFolder.exit)") else { return nil }
        try self.init(decoding: value)
    }
}
