import OCIModel

/// How far a layer is that comes from elsewhere.
package enum LayerArrival: Sendable, Equatable {
    /// The store has it.
    case exists
    /// Another pull fetches it, or there is no place yet.
    case waiting
    case downloading(current: Int64, total: Int64)
    case verifying
    case downloaded
    case extracting(current: Int64, total: Int64)
    case complete
    /// A connection broke; it goes on after a pause.
    case retrying
}

/// Layers that are being fetched, so that two pulls do it once. One pull works; the others see its progress, and take over
/// from where it was if it ends without the layer.
final class ArrivalTable: @unchecked Sendable {
    private final class Arrival {
        var last: LayerArrival = .waiting
    }

    private let monitor = Monitor()
    private var active: [Digest: Arrival] = [:]

    /// Claims a layer, waiting while somebody else has it.
    /// - Parameters:
    ///   - isDone: whether nothing is left to do; asked whenever the layer is free
    ///   - isCancelled: asked whenever `wake` was called
    ///   - report: what the one who works on it says
    /// - Returns: whether the caller has it now and must call `release`
    /// - Throws: `ImageError` (`cancelled`)
    func claim(
        _ digest: Digest, isDone: () -> Bool, isCancelled: () -> Bool, report: (LayerArrival) -> Void
    ) throws -> Bool {
        var seen = LayerArrival.waiting
        while true {
            let news: LayerArrival? = try monitor.withLock {
                while true {
                    if isCancelled() { throw ImageError(.cancelled, "the pull was cancelled") }
                    guard let arrival = active[digest] else { return nil }
                    if arrival.last != seen { return arrival.last }
                    monitor.wait()
                }
            }
            if let news {
                seen = news
                report(news)
                continue
            }
            if isDone() { return false }
            let isMine = monitor.withLock {
                guard active[digest] == nil else { return false }
                active[digest] = Arrival()
                return true
            }
            if isMine { return true }
        }
    }

    func report(_ digest: Digest, _ arrival: LayerArrival) {
        monitor.withLock {
            active[digest]?.last = arrival
            monitor.wakeAll()
        }
    }

    func release(_ digest: Digest) {
        monitor.withLock {
            active[digest] = nil
            monitor.wakeAll()
        }
    }

    /// Makes those that wait ask whether they are cancelled.
    func wake() { monitor.withLock { monitor.wakeAll() } }

    var isEmpty: Bool { monitor.withLock { active.isEmpty } }

    func contains(_ digest: Digest) -> Bool { monitor.withLock { active[digest] != nil } }
}
