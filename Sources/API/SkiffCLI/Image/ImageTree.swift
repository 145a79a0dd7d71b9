import EngineClient
import JSONCodec
import OCIModel

/// `images --tree`: every image with the platform that it is for below it.
struct ImageTree {
    private let client: EngineClient

    init(_ client: EngineClient) { self.client = client }

    /// - Parameter images: as `/images/json` lists them
    func text(_ images: [JSONValue]) throws -> String {
        let containers = try client.json(EngineRequest(.get, "/containers/json", query: [("all", "1")]))
        let used = Set((containers.arrayValue ?? []).compactMap { $0["ImageID"]?.stringValue })
        let columns = ["Image", "ID", "Usage", "Extra"]
        let headers = ["Image": "IMAGE", "ID": "ID", "Usage": "DISK USAGE", "Extra": "EXTRA"]
        var rows: [ListRow] = []
        func add(_ values: [String]) {
            rows.append(
                ListRow("*formatter.row", zip(columns, values).map { ($0.0, JSONValue.string($0.1)) }))
        }
        for image in images {
            let id = image["Id"]?.stringValue ?? ""
            let tags = (image["RepoTags"]?.arrayValue ?? []).compactMap(\.stringValue)
            let size = HumanUnits.size(image["Size"]?.doubleValue ?? 0, digits: 3)
            let mark = used.contains(id) ? "U" : ""
            add([tags.first ?? "<untagged>", id.shortIdentifier, size, mark])
            for tag in tags.dropFirst() { add(["├─ \(tag)", "", "", ""]) }
            add(["└─ \(try platform(id))", id.shortIdentifier, size, mark])
        }
        let table = columns.map { "{{.\($0)}}" }.joined(separator: "\\t")
        return try ListFormat("", table: table).render(rows, headers: headers)
    }

    private func platform(_ id: String) throws -> String {
        let image = try client.json(EngineRequest(.get, "/images/\(ImagePath.escape(id))/json"))
        return Platform(
            os: image["Os"]?.stringValue ?? "", architecture: image["Architecture"]?.stringValue ?? "",
            variant: image["Variant"]?.stringValue
        ).description
    }
}
