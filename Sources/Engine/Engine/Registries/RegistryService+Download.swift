package import ImageStore
import RegistryClient

extension RegistryService {
    /// Gives `body` what opens a file of the web, such as a root filesystem to be imported. It is asked for when it is
    /// opened, and left where the task is cancelled.
    /// - Parameter text: an address; without a scheme HTTP is meant
    /// - Throws: `EngineError` for text that is no address; what `body` throws
    package func withDownload<T: Sendable>(
        of text: String, report: @escaping TransferReport,
        _ body: (@escaping @Sendable () throws -> any ByteSource) async throws -> T
    ) async throws -> T {
        guard let address = WebAddress(text, defaultScheme: .http) else {
            throw EngineError.invalid(
                "cannot import from \"\(text)\": it is neither '-' nor an address of HTTP")
        }
        let (configuration, interrupter) = (settings.client, try Interrupter())
        return try await withTaskCancellationHandler {
            try await body {
                let download = try WebDownload(
                    address, configuration: configuration, interrupter: interrupter)
                report(.message(id: "", text: "Downloading from \(address)"))
                return DownloadSource(download, report)
            }
        } onCancel: {
            interrupter.cancel()
        }
    }
}

/// Reads a download, and tells how far it is.
private final class DownloadSource: ByteSource {
    private let download: WebDownload
    private let report: TransferReport
    private var received: Int64 = 0

    init(_ download: WebDownload, _ report: @escaping TransferReport) {
        self.download = download
        self.report = report
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try download.read(into: buffer)
        received += Int64(count)
        if let total = download.length {
            report(.bytes(id: "", state: "Importing", current: received, total: total))
        }
        return count
    }
}
