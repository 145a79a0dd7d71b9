import EngineClient
import JSONCodec
import OCIModel

/// Has the daemon pull an image.
enum ImagePull {
    /// - Throws: `CommandError` with what the daemon reports
    static func pull(_ image: String, platform: String, quiet: Bool, _ client: EngineClient) throws {
        let reference = try Reference(image)
        var query: [(name: String, value: String)] = [("fromImage", reference.familiarName)]
        if let digest = reference.digest {
            query.append(("tag", digest.description))
        } else {
            query.append(("tag", reference.tag ?? Reference.defaultTag))
        }
        if !platform.isEmpty { query.append(("platform", platform)) }
        let response = try client.send(EngineRequest(.post, "/images/create", query: query))
        var printer = ProgressPrinter(descriptor: 2, quiet: quiet)
        while let message = try response.nextJSONLine() { try printer.show(message) }
    }
}
