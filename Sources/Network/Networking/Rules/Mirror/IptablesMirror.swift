import Glibc
import LinuxKernel
import Logging
import Synchronization

/// Shows an instance's published ports to `iptables`, where it stands in for Docker, and keeps the users' chain
/// `DOCKER-USER` in place. Made by iptables-restore, whichever of its two kinds the host uses, on a thread of its own:
/// nobody waits for it.
final class IptablesMirror: Sendable {
    private struct State {
        /// What has to be shown next; nil where all is shown.
        var wanted: FirewallModel?
        var shown: FirewallModel?
        /// Counts the removals by other programs: what was shown before one may be gone.
        var removals = 0
        /// Failures that were told, by command: each once until it changes.
        var failures: [String: String] = [:]
    }

    private let state = Mutex(State())
    private let worker: WorkerThread
    private let logger: Logger
    private static let families = [IptablesRules(isIPv4: true), IptablesRules(isIPv4: false)]
    /// Between two rewritings, so that a burst of starts costs few of them.
    private static let pause: UInt32 = 100_000

    init(logger: Logger) throws(SystemCallError) {
        self.logger = logger
        worker = WorkerThread(try WakeSignal())
    }

    func start() throws(SystemCallError) { try worker.start() }

    /// Takes nothing for shown any more: another program removed rules.
    func forget() {
        state.withLock { state in
            state.shown = nil
            state.removals += 1
        }
    }

    /// Shows a model soon, in place of what was shown before.
    func show(_ model: FirewallModel) {
        let isWaiting = state.withLock { state in
            defer { state.wanted = model }
            return state.wanted != nil
        }
        if !isWaiting { worker.add { [self] in update() } }
    }

    /// Ends the thread, when what was asked for has happened.
    /// - Parameter removing: takes the mirror chain away; the users' chain and its rules stay
    func stop(removing: Bool) {
        if removing {
            worker.add { [self] in
                for family in Self.families { run([family.restore] + Self.flags, IptablesRules.removal) }
            }
        }
        worker.finish()
    }

    private func update() {
        let (model, shown, removals) = state.withLock { state in
            defer { state.wanted = nil }
            return (state.wanted, state.shown, state.removals)
        }
        guard let model else { return }
        var isComplete = true
        for family in Self.families {
            let text = family.ports(model)
            if shown.map(family.ports) != text {
                isComplete = run([family.restore] + Self.flags, text) != nil && isComplete
            }
            if shown == nil { keepUserChain(family) }
        }
        let done = isComplete
        state.withLock { state in
            guard state.removals == removals else { return }
            state.shown = done ? model : nil
        }
        usleep(Self.pause)
    }

    /// `--wait`: another program may be changing the rules.
    private static let flags = ["--noflush", "--wait=10"]

    private func keepUserChain(_ family: IptablesRules) {
        guard let saved = run([family.save, "-t", "filter"], ""),
            let missing = family.userChain(missingIn: saved)
        else { return }
        run([family.restore] + Self.flags, missing)
    }

    /// - Returns: what the program printed; nil where it failed, which is logged once
    @discardableResult
    private func run(_ command: [String], _ input: String) -> String? {
        let failure: String
        do throws(SystemCallError) {
            let output = try ChildOutput.run(command, input: input)
            if output.status == 0 {
                state.withLock { _ = $0.failures.removeValue(forKey: command[0]) }
                return output.text
            }
            failure =
                output.text.split(separator: "\n").first.map(String.init) ?? "exit status \(output.status)"
        } catch {
            failure =
                error.errno == ENOENT
                ? "not found: install the package iptables to see published ports with it" : "\(error)"
        }
        let isNew = state.withLock { $0.failures.updateValue(failure, forKey: command[0]) != failure }
        if isNew {
            logger.warning(
                "iptables does not show the published ports",
                metadata: ["command": "\(command[0])", "cause": "\(failure)"])
        }
        return nil
    }
}
