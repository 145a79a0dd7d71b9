import OCIModel

/// What is probed in a container, and when; Docker's defaults filled in. Times in milliseconds.
struct HealthSchedule: Sendable, Equatable {
    private static let standardInterval: Int64 = 30_000
    private static let standardTimeout: Int64 = 30_000
    private static let standardStartInterval: Int64 = 5_000
    private static let standardRetries = 3
    private static let standardShell = ["/bin/sh", "-c"]

    let command: [String]
    let interval: Int64
    let timeout: Int64
    let startPeriod: Int64
    let startInterval: Int64
    let retries: Int

    /// Nil where nothing is to be probed.
    /// - Parameter shell: the image's `SHELL`; empty for `/bin/sh -c`
    init?(_ check: Healthcheck?, shell: [String]) {
        guard let check, let kind = check.test.first else { return nil }
        switch kind {
        case "CMD": command = Array(check.test.dropFirst())
        case "CMD-SHELL":
            command = (shell.isEmpty ? Self.standardShell : shell) + check.test.dropFirst()
        default: return nil
        }
        interval = Self.milliseconds(check.interval) ?? Self.standardInterval
        timeout = Self.milliseconds(check.timeout) ?? Self.standardTimeout
        startPeriod = Self.milliseconds(check.startPeriod) ?? 0
        startInterval = Self.milliseconds(check.startInterval) ?? Self.standardStartInterval
        retries = check.retries > 0 ? check.retries : Self.standardRetries
    }

    private static func milliseconds(_ nanoseconds: Int64) -> Int64? {
        nanoseconds > 0 ? max(1, nanoseconds / 1_000_000) : nil
    }

    /// The pause before the next probe.
    func pause(_ status: HealthState.Status, sinceStart milliseconds: Int64) -> Int64 {
        status == .starting && milliseconds < startPeriod ? startInterval : interval
    }

    /// - Throws: where the kind of test is none that there is
    static func check(_ test: [String]) throws(EngineError) {
        guard let kind = test.first, !["NONE", "CMD", "CMD-SHELL"].contains(kind) else { return }
        throw .invalid("Unknown healthcheck type '\(kind)' (expected 'CMD')")
    }
}

extension HealthState {
    /// As many results are kept as Docker keeps.
    private static let logLimit = 5

    /// A run begins: what earlier ones have shown stays in the log only.
    mutating func begin() {
        status = .starting
        failingStreak = 0
    }

    /// Takes a probe's result in.
    /// - Returns: whether the status has changed
    mutating func add(_ result: HealthResult, _ schedule: HealthSchedule, startedAt: Timestamp) -> Bool {
        log.append(result)
        if log.count > Self.logLimit { log.removeFirst(log.count - Self.logLimit) }
        let before = status
        if result.exitCode == 0 {
            failingStreak = 0
            status = .healthy
        } else {
            let age = (result.start.totalNanoseconds - startedAt.totalNanoseconds) / 1_000_000
            // While it starts, failures are expected for a time.
            if status != .starting || age >= schedule.startPeriod {
                failingStreak += 1
                if failingStreak >= schedule.retries { status = .unhealthy }
            }
        }
        return status != before
    }
}
