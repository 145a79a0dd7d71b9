import DockerAPI
import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// `version`
enum SystemVersion {
    private static let format = Flag("format", "f", .string, FormatHelp.object)

    static func command() -> Command {
        Command(
            paths: ["version"], usage: "[OPTIONS]", summary: "Show the versions of client and daemon",
            flags: [format], arguments: .none, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let text = invocation.string(format)
        let template = text.isEmpty || text == "json" ? nil : try Self.template(text)
        let client = try invocation.client
        var server: JSONValue = .null
        var failure: (any Error)?
        do { server = try client.json(EngineRequest(.get, "/version")) } catch { failure = error }
        let output = invocation.session.output
        let own = ClientVersion.json(api: client.version)
        if let template {
            try print(template, own, server, output)
        } else if text == "json" {
            output.line((["Client": own, "Server": server] as JSONValue).text())
        } else {
            output.write(clientText(own, program: invocation.session.program))
            if !server.isNull { output.write("\n" + serverText(server)) }
        }
        if let failure { throw failure }
        return 0
    }

    private static func template(_ text: String) throws -> Template {
        do throws(TemplateError) {
            return try Template(parsing: text, name: "version")
        } catch {
            throw CommandError(.invalidArgument, "template parsing error: \(error.message)", exitCode: 64)
        }
    }

    private static func print(
        _ template: Template, _ own: JSONValue, _ server: JSONValue, _ output: Output
    ) throws {
        do throws(TemplateError) {
            let data: JSONValue = ["Client": own, "Server": server]
            output.line(try template.render(.json(data, .structure(types))))
        } catch {
            output.line("")
            throw CommandError(.invalidArgument, error.message)
        }
    }

    private static let types = GoStructure(
        "system.versionInfo",
        [
            .init(
                "Client",
                InspectTypes.structure(
                    "system.clientVersion",
                    """
                    Version:s APIVersion=ApiVersion:s DefaultAPIVersion:s GitCommit:s GoVersion:s Os:s Arch:s BuildTime:s
                    Context:s
                    """)),
            .init(
                "Server",
                .pointer(
                    .structure(
                        GoStructure(
                            "types.Version",
                            [
                                .init("Platform", InspectTypes.structure("struct { Name string }", "Name:s")),
                                .init(
                                    "Components",
                                    .slice(
                                        InspectTypes.structure(
                                            "types.ComponentVersion", "Name:s Version:s Details:m"))),
                            ]
                                + InspectTypes.fields(
                                    """
                                    Version:s APIVersion=ApiVersion:s MinAPIVersion:s GitCommit:s GoVersion:s Os:s Arch:s
                                    KernelVersion:s Experimental:b BuildTime:s
                                    """))))),
        ])

    // MARK: The plain form

    private static func clientText(_ own: JSONValue, program: String) -> String {
        func text(_ key: String) -> String { own[key]?.stringValue ?? "" }
        let api = text("ApiVersion")
        let newest = text("DefaultAPIVersion")
        let note = api == newest ? "" : " (downgraded from \(newest))"
        var lines = ["Client:"]
        lines.append(row("Version", text("Version")))
        lines.append(row("API version", api + note))
        lines.append(row("OS/Arch", "\(text("Os"))/\(text("Arch"))"))
        lines.append(row("Context", text("Context")))
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ name: String, _ value: String) -> String {
        " \(name):" + String(repeating: " ", count: max(1, 18 - name.count)) + value
    }

    private static func serverText(_ server: JSONValue) -> String {
        let platform = server["Platform"]?["Name"]?.stringValue ?? ""
        var text = "Server:" + (platform.isEmpty ? "" : " \(platform)") + "\n"
        for component in server["Components"]?.arrayValue ?? [] { text += componentText(component) }
        return text
    }

    private static func componentText(_ component: JSONValue) -> String {
        let details = component["Details"] ?? .null
        func detail(_ key: String) -> String? { details[key]?.stringValue }
        var rows: [(String, String)] = [("Version", component["Version"]?.stringValue ?? "")]
        if component["Name"]?.stringValue == "Engine" {
            let least = detail("MinAPIVersion") ?? ""
            let api = (detail("ApiVersion") ?? "") + (least.isEmpty ? "" : " (minimum version \(least))")
            rows.append(("API version", api))
            rows.append(("Go version", detail("GoVersion") ?? ""))
            rows.append(("Git commit", detail("GitCommit") ?? ""))
            let built = (detail("BuildTime") ?? "")
            rows.append(("Built", Timestamp(rfc3339: built).map(LocalTime.ansi) ?? built))
            rows.append(("OS/Arch", "\(detail("Os") ?? "")/\(detail("Arch") ?? "")"))
            rows.append(("Experimental", detail("Experimental") ?? "false"))
        } else {
            for key in (details.objectValue?.keys ?? []).sorted() { rows.append((key, detail(key) ?? "")) }
        }
        let name = component["Name"]?.stringValue ?? ""
        let lines = rows.map { row in
            "  \(row.0):" + String(repeating: " ", count: max(1, 17 - row.0.count)) + row.1
        }
        return " \(name):\n" + lines.joined(separator: "\n") + "\n"
    }
}
