import LinuxKernel
import NIOCore

/// What is to be encrypted and sent, in order: bytes, and parts of files.
struct OutboundQueue {
    enum Entry {
        case bytes(ByteBuffer, EventLoopPromise<Void>?)
        case file(FilePart)
    }

    struct FilePart {
        let file: SharedDescriptor
        var offset: Int
        var left: Int
        var sent = 0
        /// How many bytes were sent: fewer than asked for where the rest is not in memory.
        let promise: EventLoopPromise<Int>
    }

    private var entries = CircularBuffer<Entry>()
    /// Bytes that have been taken out, ever.
    private(set) var taken = 0

    var isEmpty: Bool { entries.isEmpty }
    var first: Entry? { entries.first }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// The first entry with what is left of it; nil to be done with it.
    mutating func replaceFirst(_ entry: Entry?, taken count: Int) {
        taken += count
        if let entry { entries[entries.startIndex] = entry } else { entries.removeFirst() }
    }

    mutating func fail(_ error: any Error) {
        let failed = entries
        entries = CircularBuffer()
        for entry in failed {
            switch entry {
            case .bytes(_, let promise): promise?.fail(error)
            case .file(let part): part.promise.fail(error)
            }
        }
    }
}
