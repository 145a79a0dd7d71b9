import GoTemplate
import EngineClient
import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// Creates a container for `run` and `create`: pulls the image where that is asked for, keeps the file of `--cidfile`.
struct ContainerCreation {
    private let invocation: Invocation
    private let request: CreateRequest
    private let detached: Bool

    init(_ invocation: Invocation, _ request: CreateRequest, detached: Bool) {
        self.invocation = invocation
        self.request = request
        self.detached = detached
    }

    /// - Returns: the container's identifier
    func create() throws -> String {
        let pull = invocation.string(RunFlags.pull)
        try checkPlatform()
        let file = try reserveIdentifierFile()
        do {
            let answer = try send(pull: pull)
            guard let id = answer["Id"]?.stringValue else {
                throw CommandError(.daemon, "the daemon's answer to create names no container")
            }
            for warning in answer["Warnings"]?.arrayValue ?? [] {
                Output.error("WARNING: \(warning.stringValue ?? "")")
            }
            if let file { try writeAll(file.rawValue, Array(id.utf8)) }
            return id
        } catch {
            if file != nil { unlink(invocation.string(RunFlags.cidfile)) }
            throw error
        }
    }

    private func send(pull: String) throws -> JSONValue {
        let client = try invocation.client
        // An identifier is no reference: the daemon finds its image.
        if case .reference = try ImageName(request.image), pull == "always" { try pullImage() }
        do throws(EngineError) {
            return try create(client)
        } catch {
            guard error.category == .notFound, pull == "missing" || pull.isEmpty, names(error) else {
                throw error
            }
        }
        if !invocation.bool(RunFlags.quiet) {
            let name = (try? Reference(request.image))?.withDefaultTag.familiar ?? request.image
            Output.error("Unable to find image '\(name)' locally")
        }
        try pullImage()
        return try create(client)
    }

    private func create(_ client: EngineClient) throws(EngineError) -> JSONValue {
        try client.send { version throws(EngineError) in
            try request.request(version: version, detached: detached)
        }.readJSON()
    }

    /// Whether the daemon misses the image, or has it for another platform, rather than a network or a container.
    private func names(_ error: EngineError) -> Bool {
        let message = error.message.lowercased()
        return message.hasPrefix("no such image") || message.hasPrefix("image with reference ")
    }

    private func pullImage() throws {
        try ImagePull.pull(
            request.image, platform: request.platform, quiet: invocation.bool(RunFlags.quiet),
            invocation.session)
    }

    private func checkPlatform() throws {
        let text = request.platform
        if text.isEmpty { return }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let valid =
            parts.count <= 3
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            }
        guard valid else {
            throw CommandError(
                .invalidArgument,
                "error parsing specified platform: \(GoPrinter.quoted(text)): invalid argument")
        }
    }

    private func reserveIdentifierFile() throws -> SharedDescriptor? {
        let path = invocation.string(RunFlags.cidfile)
        if path.isEmpty { return nil }
        do throws(SystemCallError) {
            return SharedDescriptor(try openFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644))
        } catch {
            guard error.errno != EEXIST else {
                throw CommandError(
                    .environment,
                    "container ID file found, make sure the other container isn't running or delete \(path)")
            }
            throw CommandError(
                .environment,
                "failed to create the container ID file: open \(path): \(FileReason.text(error))")
        }
    }
}
