import Glibc
import LinuxKernel
import NIOCore
import OCIModel
import RegistryClient
import Synchronization

/// A blob that is coming from upstream, and those who read along. The last byte is given out only when the digest has
/// been found right, so that nobody takes wrong content for whole.
final class BlobFill: Sendable {
    private struct State {
        var size: Int64?
        var file: SharedDescriptor?
        var written = 0
        var isVerified = false
        var failure: (any Error)?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let repository: RepositoryName
    private let digest: Digest
    private let state = Mutex(State())

    init(repository: RepositoryName, digest: Digest) {
        self.repository = repository
        self.digest = digest
    }

    // MARK: Reading along

    /// How large the blob is, once upstream has said so.
    func size() async throws -> Int64 {
        while true {
            if let size = try state.withLock({ try $0.failure.map { throw $0 } ?? $0.size }) { return size }
            await change { $0.size != nil || $0.failure != nil }
        }
    }

    /// Waits until there are bytes behind `offset`.
    /// - Returns: the file, and up to where it may be read
    func available(beyond offset: Int) async throws -> (SharedDescriptor, Int) {
        while true {
            let found = try state.withLock { state -> (SharedDescriptor, Int)? in
                if let failure = state.failure { throw failure }
                guard let file = state.file, let end = Self.readable(state), end > offset else { return nil }
                return (file, end)
            }
            if let found { return found }
            await change {
                ($0.file != nil && Self.readable($0).map { $0 > offset } ?? false) || $0.failure != nil
            }
        }
    }

    private static func readable(_ state: State) -> Int? {
        state.isVerified ? state.written : state.size.map { min(state.written, Int($0) - 1) }
    }

    private func change(until isTrue: @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isNow = state.withLock { state in
                if isTrue(state) { return true }
                state.waiters.append(continuation)
                return false
            }
            if isNow { continuation.resume() }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func end(_ error: any Error) { update { $0.failure = error } }

    // MARK: Fetching

    /// Fetches, checks and stores; blocks.
    func run(_ upstream: Upstream) {
        do {
            let source = try upstream.repository(repository)
            guard let size = try source.sizeOfBlob(digest) else {
                throw BlobRoutes.unknown(repository, digest)
            }
            let session = try upstream.store.uploads.begin(repository, digest.algorithm, isBusy: true)
            defer { upstream.store.uploads.release(session, ends: true) }
            do {
                try fetch(source, size, session, upstream.store)
                let blob = try upstream.store.commit(session, as: digest)
                update {
                    $0.written = Int(blob.size)
                    $0.isVerified = true
                }
            } catch {
                try session.remove()
                throw error
            }
        } catch let error as RegistryClient.RegistryError {
            end(error.code == .notFound ? BlobRoutes.unknown(repository, digest) : Upstream.failure(error))
        } catch {
            end(error)
        }
    }

    private func fetch(
        _ source: Repository, _ size: Int64, _ session: UploadSession, _ store: RegistryStore
    ) throws {
        let reader = source.blob(
            ContentDescriptor(mediaType: "application/octet-stream", digest: digest, size: size))
        try session.append(ByteBuffer())
        let file = SharedDescriptor(try openFile(session.path, O_RDONLY))
        update {
            $0.size = size
            $0.file = file
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try reader.read(into: buffer)
            if count == 0 { break }
            try store.append(
                ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: buffer[..<count])), to: session)
            let written = Int(session.size)
            update { $0.written = written }
        }
        let found = try session.digest(digest.algorithm)
        guard found == digest, session.size == size else {
            throw RegistryError(
                .upstreamUnavailable,
                "upstream sent \(session.size) bytes with digest \(found) for blob \(digest)")
        }
    }
}
