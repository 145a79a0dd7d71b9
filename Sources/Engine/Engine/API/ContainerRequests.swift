package import OCIModel

/// The answer to a `create`.
package struct ContainerCreated: Sendable {
    package var id: String
    package var warnings: [String]
}

/// What a request that may find nothing to do did: `start` of a running container answers 304.
package enum StateChange: Sendable, Hashable { case changed, unchanged }

package struct ListOptions: Sendable {
    /// Those that do not run, too.
    package var all = false
    /// The newest so many, whatever their state; 0 for all.
    package var limit = 0
    package var filters = Filters()

    package init() {}
}

package enum WaitCondition: String, Sendable {
    case notRunning = "not-running"
    case nextExit = "next-exit"
    case removed
}

/// What `wait` answers.
package struct WaitResult: Sendable, Hashable {
    package var exitCode: Int32
    /// Set where the container could not be waited for properly, such as a failed removal.
    package var error: String?
}

/// A registered `wait`: nothing that happens from now on is missed. The edge sends its headers, then awaits.
package struct ExitWaiter: Sendable {
    let outcome: @Sendable () async throws -> WaitResult

    /// - Throws: `CancellationError` where the task is cancelled
    package func result() async throws -> WaitResult { try await outcome() }
}

package struct RemoveOptions: Sendable {
    package var force = false
    package var volumes = false

    package init(force: Bool = false, volumes: Bool = false) {
        self.force = force
        self.volumes = volumes
    }
}

/// The table of `top`.
package struct ProcessTable: Sendable, Hashable {
    package var titles: [String]
    package var processes: [[String]]
}

package struct LogOptions: Sendable {
    package var standardOutput = true
    package var standardError = true
    package var follow = false
    package var since: Timestamp?
    package var until: Timestamp?
    /// Lines from the end; nil for all.
    package var tail: Int?

    package init() {}
}

package enum OutputStream: UInt8, Sendable, Codable { case standardOutput = 1, standardError = 2 }

/// One message of a container's log.
package struct LogEntry: Sendable, Hashable {
    package var stream: OutputStream
    package var time: Timestamp
    /// As written, with the newline where there was one.
    package var bytes: [UInt8]
    /// `attrs` of the json-file record: labels and environment that the log options select.
    package var attributes: [String: String] = [:]
}

package struct AttachOptions: Sendable {
    package var standardInput = false
    package var standardOutput = true
    package var standardError = true
    /// Replays what was logged before.
    package var includesLogs = false
    /// Goes on with what is written from now on; else the stream ends behind the replay.
    package var follows = true
    /// Keys that detach; empty for Docker's Ctrl-P Ctrl-Q.
    package var detachKeys: [UInt8] = []

    package init() {}
}

/// What is to run in a container besides its process 1.
package struct ExecSpec: Sendable, Hashable, Codable {
    package var command: [String]
    package var environment: [String] = []
    /// Empty for the container's.
    package var user = ""
    package var workingDirectory = ""
    package var terminal = false
    package var isPrivileged = false
    package var attachStandardInput = false
    package var attachStandardOutput = false
    package var attachStandardError = false
    package var detachKeys: [UInt8] = []
    /// Of its terminal, unless the start says otherwise.
    package var consoleSize: TerminalSize?

    package init(command: [String]) { self.command = command }

    /// As events show it: a program without arguments is followed by a space, as in Docker's.
    var commandText: String { (command.first ?? "") + " " + command.dropFirst().joined(separator: " ") }
}

package struct ExecInspection: Sendable, Hashable {
    package var id: String
    package var containerID: String
    package var spec: ExecSpec
    package var isRunning: Bool
    /// nil until it ended.
    package var exitCode: Int32?
    /// 0 until it started.
    package var pid: Int32
    package var canRemove: Bool
}
