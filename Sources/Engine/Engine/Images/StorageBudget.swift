import ImageStore
import Logging
import OCIModel

/// How much the images of a data root may occupy.
package enum StorageLimit: Sendable, Equatable {
    /// Of layers with their compressed forms.
    case bytes(Int64)
    /// Of the file system, whatever fills it: beyond it images go.
    case percent(Int)
}

/// Keeps the images within a limit: the least recently used that no container uses go first. Blocking, but for `watch`.
final class StorageBudget: Sendable {
    private let limit: StorageLimit
    private let store: ImageStore
    private let events: EventService
    private let logger: Logger
    private let uses: @Sendable (Digest) -> [ImageUse]

    /// What a layer occupies at most, in sizes of its compressed form: that form itself and its files.
    private static let growth: Int64 = 4
    private static let interval = Duration.seconds(10)

    init(
        limit: StorageLimit, store: ImageStore, events: EventService, logger: Logger,
        uses: @escaping @Sendable (Digest) -> [ImageUse]
    ) {
        self.limit = limit
        self.store = store
        self.events = events
        self.logger = logger
        self.uses = uses
    }

    /// Removes images where there are more bytes than allowed.
    /// - Parameters:
    ///   - keeping: images that have just come
    ///   - compressed: bytes of the layers that are about to come
    func enforce(keeping: Set<Digest> = [], awaiting compressed: Int64 = 0) {
        do {
            let eviction = try store.evict(keeping: keeping, uses: uses) {
                try excess(awaiting: compressed)
            }
            report(eviction)
        } catch {
            logger.error("cannot keep the storage budget", metadata: ["error": "\(error)"])
        }
    }

    /// Enforces it again and again: containers, logs and volumes grow without telling.
    func watch(on pool: BlockingPool) async {
        while !Task.isCancelled {
            do {
                try await pool.runAlone { self.enforce() }
                try await Task.sleep(for: Self.interval)
            } catch {
                if !(error is CancellationError) {
                    logger.error("cannot watch the storage budget", metadata: ["error": "\(error)"])
                }
                return
            }
        }
    }

    /// Bytes that have to go. What is about to come counts as it is announced against the limit, and with everything that
    /// may become of it against the disk.
    private func excess(awaiting bytes: Int64) throws -> Int64 {
        let space = try store.space()
        let announced = min(max(0, bytes), space.total)
        let short = announced * Self.growth - space.available
        switch limit {
        case .bytes(let allowed): return max(short, try store.usage().total + announced - allowed)
        case .percent(let share):
            return max(short, space.used + announced - space.total / 100 * Int64(share))
        }
    }

    private func report(_ eviction: Eviction) {
        var names: [String] = []
        for removal in eviction.removals {
            switch removal {
            case .untagged(let reference, let image):
                names.append(reference)
                publish("untag", image, reference)
            case .deletedImage(let image): publish("delete", image, image.description)
            case .deletedLayer: break
            }
        }
        if eviction.reclaimed > 0 {
            logger.notice(
                "images were evicted to keep the storage budget",
                metadata: ["images": "\(names.joined(separator: " "))", "bytes": "\(eviction.reclaimed)"])
        }
        if eviction.missing > 0 {
            logger.warning(
                "the storage budget is exceeded and all images that are left are in use",
                metadata: ["bytes": "\(eviction.missing)"])
        }
    }

    private func publish(_ action: String, _ image: Digest, _ name: String) {
        events.publish(
            .image, action, image.description, ["name": name, "reason": "storage budget"])
    }
}
