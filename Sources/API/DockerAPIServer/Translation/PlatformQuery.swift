import HTTPTransport
import JSONCodec
import OCIModel

extension Request {
    /// The platform that the request is about, in the API's form `{"os":"linux","architecture":"arm64"}`.
    /// - Returns: nil where it names none
    /// - Throws: `APIError` where the text is no platform
    func platform() throws -> Platform? {
        guard let text = query["platform"], !text.isEmpty else { return nil }
        return try Self.platform(text)
    }

    /// Those of `platforms`, which may be given several times.
    func platforms() throws -> [Platform] { try query.all("platforms").map(Self.platform) }

    private static func platform(_ text: String) throws -> Platform {
        let platform: Platform
        do {
            platform = try JSONValue(parsing: text).decode()
        } catch {
            throw APIError.badRequest("failed to parse platform: \(error)")
        }
        guard !platform.os.isEmpty, !platform.architecture.isEmpty else {
            throw APIError.badRequest("both OS and Architecture must be provided")
        }
        return platform
    }
}
