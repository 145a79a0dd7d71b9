import Synchronization

/// Counts for monitoring, in Prometheus' text form.
final class RegistryMetrics: Sendable {
    private struct Key: Hashable, Comparable {
        let operation: String
        let method: String
        let status: Int

        static func < (a: Key, b: Key) -> Bool {
            (a.operation, a.method, a.status) < (b.operation, b.method, b.status)
        }
    }

    private struct Durations {
        var counts = [Int](repeating: 0, count: RegistryMetrics.bounds.count)
        var sum = 0.0
        var total = 0
    }

    private struct State {
        var requests: [Key: Int] = [:]
        var durations: [String: Durations] = [:]
        var sent = 0
        var received = 0
    }

    private static let bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60]
    private static let methods: Set = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

    private let state = Mutex(State())
    private let inFlight = Atomic<Int>(0)

    func begin() { inFlight.add(1, ordering: .relaxed) }
    func end() { inFlight.subtract(1, ordering: .relaxed) }
    func received(_ count: Int) { state.withLock { $0.received += count } }

    func record(_ operation: String, _ method: String, status: Int, sent: Int, took: Duration) {
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
        let method = Self.methods.contains(method) ? method : "other"
        state.withLock { state in
            state.requests[Key(operation: operation, method: method, status: status), default: 0] += 1
            state.sent += sent
            var durations = state.durations[operation] ?? Durations()
            for (index, bound) in Self.bounds.enumerated() where seconds <= bound {
                durations.counts[index] += 1
            }
            durations.sum += seconds
            durations.total += 1
            state.durations[operation] = durations
        }
    }

    /// - Parameters:
    ///   - stored: bytes of all blobs and manifests
    ///   - uploads: uploads that have begun and not ended
    func text(stored: Int64, uploads: Int) -> String {
        let state = state.withLock { $0 }
        var text = ""
        func head(_ name: String, _ kind: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
        }
        head("skiff_registry_requests_total", "counter", "Requests that were answered.")
        for (key, count) in state.requests.sorted(by: { $0.key < $1.key }) {
            text +=
                "skiff_registry_requests_total{operation=\"\(key.operation)\",method=\"\(key.method)\",code=\"\(key.status)\"} \(count)\n"
        }
        head(
            "skiff_registry_request_duration_seconds", "histogram",
            "Time from a request's head to the end of its answer.")
        for (operation, durations) in state.durations.sorted(by: { $0.key < $1.key }) {
            let name = "skiff_registry_request_duration_seconds"
            for (bound, count) in zip(Self.bounds, durations.counts) {
                text += "\(name)_bucket{operation=\"\(operation)\",le=\"\(bound)\"} \(count)\n"
            }
            text += "\(name)_bucket{operation=\"\(operation)\",le=\"+Inf\"} \(durations.total)\n"
            text += "\(name)_sum{operation=\"\(operation)\"} \(durations.sum)\n"
            text += "\(name)_count{operation=\"\(operation)\"} \(durations.total)\n"
        }
        let values: [(String, String, String, Int64)] = [
            (
                "skiff_registry_requests_in_flight", "gauge", "Requests that are being answered.",
                Int64(inFlight.load(ordering: .relaxed))
            ),
            ("skiff_registry_sent_bytes_total", "counter", "Bytes of answers' bodies.", Int64(state.sent)),
            (
                "skiff_registry_received_bytes_total", "counter", "Bytes of blobs that came in.",
                Int64(state.received)
            ),
            ("skiff_registry_stored_bytes", "gauge", "Bytes of all blobs and manifests.", stored),
            ("skiff_registry_uploads", "gauge", "Uploads that have begun and not ended.", Int64(uploads)),
        ]
        for (name, kind, help, value) in values {
            head(name, kind, help)
            text += "\(name) \(value)\n"
        }
        return text
    }
}
