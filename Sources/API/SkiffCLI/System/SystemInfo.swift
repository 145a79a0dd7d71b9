import EngineClient
import GoTemplate
import JSONCodec

/// `info`
enum SystemInfo {
    private static let format = Flag("format", "f", .string, FormatHelp.object)

    static func command() -> Command {
        Command(
            paths: ["system info", "info"], usage: "[OPTIONS]", summary: "Show what the engine is and holds",
            flags: [format], arguments: .none, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let text = invocation.string(format)
        let client = try invocation.client
        let output = invocation.session.output
        let own = clientInfo(invocation)
        var failure: (any Error)?
        var info: JSONValue = .null
        do { info = try client.json(EngineRequest(.get, "/info")) } catch { failure = error }
        if !text.isEmpty {
            try print(text, info, own, output)
        } else {
            output.write(InfoText.client(own))
            output.write("\nServer:\n")
            if !info.isNull { output.write(InfoText.server(info) + "\n") }
        }
        output.flush()
        if let failure {
            guard text.isEmpty else { throw failure }
            throw CommandError(
                .daemon, "\(CommandError.text(of: failure))\nerrors pretty printing info")
        }
        for warning in InfoText.warnings(info) { Output.error(warning) }
        return 0
    }

    private static func clientInfo(_ invocation: Invocation) -> JSONValue {
        [
            "Debug": .bool(invocation.session.globals.bool(GlobalFlags.debug)),
            "Version": .string(ClientVersion.number), "Context": "default", "Plugins": [], "Warnings": .null,
        ]
    }

    /// Members that are null are lists in Go, and print as such.
    private static func type(of object: JSONObject) -> GoType {
        .structure(
            GoStructure(
                "system.dockerInfo",
                object.keys.map { key in
                    GoStructure.Field(key, object[key]?.isNull == true ? .slice(.string) : .any)
                }))
    }

    private static func print(_ text: String, _ info: JSONValue, _ own: JSONValue, _ output: Output) throws {
        var object = info.objectValue ?? JSONObject()
        object["ClientInfo"] = own
        let value = JSONValue.object(object)
        if text == "json" { return output.line(value.text()) }
        do throws(TemplateError) {
            let template = try Template(parsing: text)
            output.line(try template.render(.json(value, type(of: object)), missingKey: .error))
        } catch {
            guard error.code == .execution else {
                throw CommandError(.invalidArgument, "template parsing error: \(error.message)", exitCode: 64)
            }
            output.line("")
            throw CommandError(.invalidArgument, error.message)
        }
    }
}
