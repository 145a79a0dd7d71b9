import Glibc
import LinuxKernel

/// A byte stream to the engine with a read buffer.
package final class EngineConnection {
    private let descriptor: SharedDescriptor
    private var buffer: [UInt8]
    private var start = 0
    private var end = 0

    private static let bufferSize = 65536

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = SharedDescriptor(descriptor)
        buffer = [UInt8](repeating: 0, count: Self.bufferSize)
    }

    /// For `poll`; bytes that have been read already do not show there, see `hasBufferedBytes`.
    package var rawDescriptor: Int32 { descriptor.rawValue }

    package var hasBufferedBytes: Bool { start < end }

    /// Whether the other side has closed or sent something unasked while the connection was idle.
    var isStale: Bool {
        if hasBufferedBytes { return true }
        var byte: UInt8 = 0
        let count = recv(rawDescriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)
    }

    /// Sends every byte.
    /// - Throws: `EngineError` (connectionLost); what the daemon answered before it closed can still be read
    package func send(_ bytes: borrowing [UInt8]) throws(EngineError) {
        try send(bytes.count) { offset in
            bytes.withUnsafeBytes { pointer in
                Glibc.send(
                    rawDescriptor, pointer.baseAddress! + offset, pointer.count - offset,
                    Int32(MSG_NOSIGNAL))
            }
        }
    }

    private func send(_ count: Int, _ body: (Int) -> Int) throws(EngineError) {
        var offset = 0
        while offset < count {
            do throws(SystemCallError) {
                offset += try systemCall("send") { body(offset) }
            } catch {
                throw EngineError(.connectionLost, "the connection to the daemon was lost", cause: "\(error)")
            }
        }
    }

    /// Tells the other side that nothing more will be sent; reading goes on.
    package func closeWriting() { shutdown(rawDescriptor, Int32(SHUT_WR)) }

    /// Where the answer is printed to, a pipe perhaps: reading ends with `readerGone` once its other side is closed,
    /// and does not wait for something that could not be printed. -1 for nowhere.
    package var reader: Int32 = -1

    /// Waits until there is something to read.
    private func awaitInput() throws(EngineError) {
        guard reader >= 0 else { return }
        var entries = [
            pollfd(fd: rawDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: reader, events: 0, revents: 0),
        ]
        while poll(&entries, 2, -1) < 0, errno == EINTR {}
        if entries[0].revents == 0, entries[1].revents & Int16(POLLERR | POLLHUP) != 0 {
            throw EngineError(.readerGone, "nobody reads the output any more")
        }
    }

    /// Waits for more bytes; false at the end of the stream.
    func fill() throws(EngineError) -> Bool {
        try awaitInput()
        if start == end {
            start = 0
            end = 0
        } else if end == buffer.count {
            buffer.removeSubrange(0..<start)
            buffer.append(contentsOf: repeatElement(0, count: start == 0 ? buffer.count : start))
            end -= start
            start = 0
        }
        let free = end
        do throws(SystemCallError) {
            let raw = rawDescriptor
            let count = try systemCall("read") {
                buffer.withUnsafeMutableBytes { read(raw, $0.baseAddress! + free, $0.count - free) }
            }
            end += count
            return count > 0
        } catch {
            if error.errno == ECONNRESET { return false }
            throw EngineError(.connectionLost, "the connection to the daemon was lost", cause: "\(error)")
        }
    }

    /// The next line without its end (CRLF or LF); nil at the end of the stream.
    func readLine(limit: Int = 1 << 20) throws(EngineError) -> String? {
        var scanned = 0
        while true {
            if let position = buffer[(start + scanned)..<end].firstIndex(of: 0x0A) {
                var line = buffer[start..<position]
                if line.last == 0x0D { line = line.dropLast() }
                start = position + 1
                return String(decoding: line, as: UTF8.self)
            }
            scanned = end - start
            guard scanned < limit else {
                throw EngineError(.malformedResponse, "the daemon sent an endless line")
            }
            guard try fill() else { return nil }
        }
    }

    /// Hands up to `limit` buffered bytes to `body`, waiting for some where there are none; false at the end.
    package func consume(upTo limit: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(EngineError)
        -> Bool
    {
        if start == end, try !fill() { return false }
        let count = min(limit, end - start)
        buffer.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start..<(start + count)])) }
        start += count
        return true
    }
}

extension EngineConnection {
    /// Sends as much as the connection takes without waiting.
    /// - Returns: the number of bytes sent; -1 where the other side takes no more
    package func sendAvailable(_ bytes: borrowing [UInt8]) -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(rawDescriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1
    }
}
