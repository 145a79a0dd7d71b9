import Glibc
package import LinuxKernel

/// Where an archive comes from: a pipe, a file, a socket. Read by one thread.
package protocol ByteSource: AnyObject {
    /// Fills a prefix of `buffer`, which is not empty, blocking until there is something.
    /// - Returns: how many bytes; 0 only at the end
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// Where an archive goes. Written by one thread.
package protocol ByteSink: AnyObject {
    /// Takes all of `bytes`, blocking while the receiver is slow.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// Reads a descriptor to its end.
package final class DescriptorSource: ByteSource {
    private let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let raw = descriptor.rawValue
        return try systemCall("read") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
    }
}

/// Writes to a descriptor.
package final class DescriptorSink: ByteSink {
    private let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        let raw = descriptor.rawValue
        var offset = 0
        while offset < bytes.count {
            offset += try systemCall("write") {
                Glibc.write(raw, bytes.baseAddress! + offset, bytes.count - offset)
            }
        }
    }
}

/// Reads bytes in memory.
package final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var offset = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(buffer.count, bytes.count - offset)
        bytes.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
        }
        offset += count
        return count
    }
}

/// Collects bytes in memory.
package final class MemorySink: ByteSink {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package func write(_ bytes: UnsafeRawBufferPointer) throws { self.bytes.append(contentsOf: bytes) }
}
