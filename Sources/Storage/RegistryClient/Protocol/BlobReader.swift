import OCIModel

/// Reads a blob; continues where a connection breaks. Used by one thread.
///
/// It sees to the length. The digest is for whoever takes the bytes, because that one hashes them anyway.
package final class BlobReader {
    private let repository: Repository
    private let descriptor: ContentDescriptor
    /// Position of the next byte.
    package private(set) var offset: Int64
    private var answer: HTTPAnswer?
    private var backOff: BackOff
    private var connections = 0
    /// Whether something came since the last failure: then the next attempt need not wait.
    private var hasProgressed = false
    /// Called before the pause after a failure.
    package var onRetry: ((RegistryError) -> Void)?

    /// However small the pieces are that a server cuts its answers into, there is an end.
    private static let connectionLimit = 10_000

    init(repository: Repository, descriptor: ContentDescriptor, offset: Int64) {
        self.repository = repository
        self.descriptor = descriptor
        self.offset = offset
        backOff = BackOff(repository.agent)
    }

    /// Fills a prefix of `buffer`.
    /// - Returns: how many bytes; 0 only at the end
    /// - Throws: `RegistryError`
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while offset < descriptor.size {
            do {
                let answer = try self.answer ?? open()
                self.answer = answer
                let room = min(Int64(buffer.count), descriptor.size - offset)
                let count = try answer.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(room)]))
                guard count > 0 else {
                    throw RegistryError(
                        .corrupted,
                        "\(descriptor.digest): the registry sent \(offset) bytes of \(descriptor.size)",
                        isTransient: true)
                }
                offset += Int64(count)
                backOff.reset()
                hasProgressed = true
                return count
            } catch let error as RegistryError {
                answer = nil
                guard error.isTransient, connections < Self.connectionLimit else { throw error }
                onRetry?(error)
                if hasProgressed {
                    hasProgressed = false
                    continue
                }
                try backOff.wait(after: error)
            }
        }
        return 0
    }

    private func open() throws -> HTTPAnswer {
        connections += 1
        return try repository.reading { endpoint in
            let answer = try endpoint.send(scopes: repository.pull) { base in
                var request = HTTPRequest("GET", repository.address(base, "blobs/\(descriptor.digest)"))
                if offset > 0 { request.set("Range", "bytes=\(offset)-") }
                return request
            }
            switch answer.status {
            case 200:
                try check(length: try answer.head.length(), descriptor.size)
                try skip(offset, of: answer)
            case 206 where offset > 0:
                try check(range: answer.head["content-range"] ?? "")
                try check(length: try answer.head.length(), descriptor.size - offset)
            default:
                throw RegistryAnswerError.failure(answer, what: "blob \(descriptor.digest)")
            }
            return answer
        }
    }

    private func check(length: Int64?, _ expected: Int64) throws {
        guard let length, length != expected else { return }
        throw RegistryError(
            .corrupted,
            "\(descriptor.digest): the registry announces \(length) bytes where there have to be \(expected)",
            isTransient: true)
    }

    private func check(range: String) throws {
        guard RangeField.first(range) == offset else {
            throw RegistryError(
                .corrupted, "\(descriptor.digest): the registry answers another range than was asked for",
                isTransient: true)
        }
    }

    /// For servers that know no ranges.
    private func skip(_ count: Int64, of answer: HTTPAnswer) throws {
        guard count > 0 else { return }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { room.deallocate() }
        var left = count
        while left > 0 {
            let prefix = UnsafeMutableRawBufferPointer(rebasing: room[..<Int(min(left, Int64(room.count)))])
            let count = try answer.read(into: prefix)
            guard count > 0 else {
                throw RegistryError(.corrupted, "\(descriptor.digest) ends early", isTransient: true)
            }
            left -= Int64(count)
        }
    }
}
