import HTTPTransport
import ImageStore

/// Gives a request's body to the image store.
final class RequestBodySource: ByteSource {
    private let body: RequestBody

    init(_ body: RequestBody) { self.body = body }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try body.read(into: buffer) }
}
