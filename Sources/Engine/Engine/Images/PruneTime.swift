import ImageStore
import OCIModel

/// The `until` filter: a moment, seconds since 1970, or how long ago (`24h`).
enum PruneTime {
    /// - Returns: nil where the text is none of these
    static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        if let seconds = Int64(text) { return Timestamp(seconds: seconds) }
        guard let ago = GoDuration.nanoseconds(text) else { return nil }
        return Timestamp(seconds: now.seconds - ago / 1_000_000_000)
    }
}
