package import OCIModel

/// Where a container is in its life; the one truth about it. Docker's booleans are derived from it.
package enum ContainerState: Sendable, Hashable, Codable {
    case created
    /// A start was decided and its result is not yet known: replayed after a crash.
    case starting
    case running(RunningState)
    case paused(RunningState)
    /// It has ended, and its restart policy starts it again after a pause, or does so now.
    case restarting(ExitStatus)
    case exited(ExitStatus)
    case removing(ExitStatus?)
    /// A removal failed half-way; only another removal helps.
    case dead(ExitStatus?)

    /// Docker's word: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    package var status: String {
        switch self {
        case .created, .starting: "created"
        case .running: "running"
        case .paused: "paused"
        case .restarting: "restarting"
        case .exited: "exited"
        case .removing: "removing"
        case .dead: "dead"
        }
    }

    package var runningState: RunningState? {
        switch self {
        case .running(let state), .paused(let state): state
        default: nil
        }
    }

    package var isRunning: Bool { runningState != nil }

    package var isRestarting: Bool { if case .restarting = self { true } else { false } }

    /// Docker's `Running`: of a container that is about to be started again, too.
    package var isActive: Bool { isRunning || isRestarting }

    /// Whether a removal has begun, and perhaps failed half-way.
    package var isBeingRemoved: Bool {
        switch self {
        case .removing, .dead: true
        default: false
        }
    }

    package var isPaused: Bool { if case .paused = self { true } else { false } }

    /// The end of the last run; nil while running and where there was none.
    package var exit: ExitStatus? {
        switch self {
        case .exited(let status), .restarting(let status): status
        case .removing(let status), .dead(let status): status
        default: nil
        }
    }
}

package struct RunningState: Sendable, Hashable, Codable {
    /// Process 1 of the container, as the host numbers it.
    package var pid: Int32
    package var startedAt: Timestamp

    package init(pid: Int32, startedAt: Timestamp) {
        self.pid = pid
        self.startedAt = startedAt
    }
}

/// How a container's last run ended.
package struct ExitStatus: Sendable, Hashable, Codable {
    /// 0 to 255; 128 and the signal's number where a signal ended it.
    package var code: Int32
    package var startedAt: Timestamp
    package var finishedAt: Timestamp
    package var outOfMemory = false
    /// What kept it from starting; empty otherwise.
    package var error = ""

    package init(code: Int32, startedAt: Timestamp, finishedAt: Timestamp) {
        self.code = code
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}
