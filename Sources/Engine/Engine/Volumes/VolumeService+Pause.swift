import Logging
import Synchronization

/// Copies of one moment: the containers that run with a volume are paused while it is copied.
extension VolumeService {
    /// Runs blocking work while no container runs with the volume: those that do are paused, and none starts. A crash
    /// leaves none paused.
    /// - Parameters:
    ///   - pauses: otherwise they go on
    ///   - staged: keeps, durably, who is paused
    func whilePaused(
        _ volume: String, _ pauses: Bool, _ staged: String, _ body: @escaping @Sendable () throws -> Void
    ) async throws {
        let parts = parts
        guard pauses else { return try await parts.pool.runAlone(body) }
        var paused: [Container] = []
        do {
            // Whoever was starting when the others were paused is found in the next round.
            repeat {
                let found = parts.registry.users(ofVolume: volume).filter { container in
                    if case .running = container.state { return true }
                    return false
                }
                if !found.isEmpty {
                    let ids = (paused + found).map(\.id)
                    try await parts.pool.run { try parts.volumes.notePaused(ids, in: staged) }
                    for container in found where try await container.pauseIfRunning() {
                        paused.append(container)
                    }
                }
            } while try await !runAlone(volume, staged, paused, body)
        } catch {
            await goOn(paused, staged)
            throw error
        }
        await goOn(paused, staged)
    }

    /// - Returns: false, and does nothing, where somebody uses the volume who is not paused
    private func runAlone(
        _ volume: String, _ staged: String, _ paused: [Container],
        _ body: @escaping @Sendable () throws -> Void
    ) async throws -> Bool {
        let volumes = parts.volumes
        let known = Set(paused.map(\.id))
        let registry = parts.registry
        let isDone = try await parts.pool.runAlone {
            try volumes.locks.with(volume) {
                let users = volumes.users.withLock { $0[volume] ?? [] }
                let others = users.subtracting(known).filter { id in
                    // Other copies only read. What somebody else has paused does not write.
                    (try? registry.find(id)).map { !$0.state.isPaused } ?? false
                }
                guard others.isEmpty else { return false }
                try body()
                return true
            }
        }
        // One that is being started gets there, or fails.
        if !isDone { try await Task.sleep(for: .milliseconds(20)) }
        return isDone
    }

    private func goOn(_ paused: [Container], _ staged: String) async {
        guard !paused.isEmpty else { return }
        for container in paused { await container.unpauseIfPaused() }
        let parts = parts
        do {
            try await parts.pool.run { try parts.volumes.forgetPaused(in: staged) }
        } catch {
            parts.logger.warning("cannot forget who was paused", metadata: ["error": "\(error)"])
        }
    }
}

extension Container {
    /// - Returns: false where it does not run any more, or somebody has paused it
    func pauseIfRunning() async throws -> Bool {
        do {
            try await pause()
            return true
        } catch let error as EngineError where error.code == .wrongState {
            return false
        }
    }

    func unpauseIfPaused() async {
        do {
            try await unpause()
        } catch let error as EngineError where error.code == .wrongState {
            // It was killed, or somebody was faster.
        } catch {
            log("cannot let a container go on that was paused for a copy of its volume", error)
        }
    }
}
