/// Bytes that wait to be written: added at the end, taken from the front, memory given back when empty.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    mutating func append(_ added: UnsafeRawBufferPointer) {
        if added.isEmpty { return }
        // Moves the rest to the front when more than half would be waste.
        if start > 65536, start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: added)
    }

    mutating func append(_ added: [UInt8]) { added.withUnsafeBytes { append($0) } }

    func withFirst<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    mutating func remove(_ count: Int) {
        start += count
        if isEmpty { removeAll() }
    }

    mutating func removeAll() {
        bytes = []
        start = 0
    }
}
