import JSONCodec
import LinuxKernel

/// The client's `config.json`. A missing file is an empty one; so is one that cannot be read, with a warning.
struct ConfigurationFile {
    private let content: JSONValue

    init(_ folder: String) {
        let path = folder + "/config.json"
        guard fileExists(path) else {
            content = .null
            return
        }
        do {
            content = try JSONValue(parsing: try readFile(path))
        } catch {
            Output.error("WARNING: Error loading config file: \(path): \(error)")
            content = .null
        }
    }

    private func text(_ key: String) -> String { content[key]?.stringValue ?? "" }

    var detachKeys: String { text("detachKeys") }
    var psFormat: String { text("psFormat") }
    var imagesFormat: String { text("imagesFormat") }
    var networksFormat: String { text("networksFormat") }
    var volumesFormat: String { text("volumesFormat") }
}
