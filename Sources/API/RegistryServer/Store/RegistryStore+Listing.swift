import GRDB
import JSONCodec
import OCIModel

/// A part of a list, and whether there is more behind it.
struct Page<Item: Sendable>: Sendable {
    let items: [Item]
    let hasMore: Bool
}

extension RegistryStore {
    /// Whether the repository holds anything.
    func hasContent(_ repository: RepositoryName) throws -> Bool {
        try database.read { database in
            try database.row(
                "SELECT 1 FROM repositories WHERE name = ? AND \(Self.holdsSomething)",
                [repository.description])
                != nil
        }
    }

    private static let holdsSomething = """
        (EXISTS (SELECT 1 FROM manifests m WHERE m.repository = id)
        OR EXISTS (SELECT 1 FROM repository_blobs l WHERE l.repository = id))
        """

    /// Tags in the order of their bytes.
    /// - Parameters:
    ///   - limit: nil for all
    ///   - last: the tag behind which the page begins
    func tags(_ repository: RepositoryName, limit: Int?, after last: String) throws -> Page<String> {
        try database.read { database in
            try page(limit) { count in
                try database.rows(
                    """
                    SELECT t.name FROM repositories r JOIN tags t ON t.repository = r.id AND t.name > ?2
                    WHERE r.name = ?1 ORDER BY t.name LIMIT ?3
                    """, [repository.description, last, count]
                ).map { $0[0] }
            }
        }
    }

    /// Names of repositories that hold something, in the order of their bytes.
    func repositories(limit: Int?, after last: String) throws -> Page<String> {
        try database.read { database in
            try page(limit) { count in
                try database.rows(
                    "SELECT name FROM repositories WHERE name > ? AND \(Self.holdsSomething) ORDER BY name LIMIT ?",
                    [last, count]
                ).map { $0[0] }
            }
        }
    }

    /// - Parameter fetch: at most so many; negative for all
    private func page<Item>(_ limit: Int?, _ fetch: (Int) throws -> [Item]) throws -> Page<Item> {
        guard let limit else { return Page(items: try fetch(-1), hasMore: false) }
        guard limit > 0 else { return Page(items: [], hasMore: false) }
        let found = try fetch(limit + 1)
        return Page(items: Array(found.prefix(limit)), hasMore: found.count > limit)
    }

    /// Bytes of annotations in one page: every client reads a list of the size of a manifest, and a list of large ones
    /// must not take all memory.
    private static let annotationLimit = 2 << 20

    /// Descriptors of the manifests whose subject is `digest`, in the order of their digests.
    func referrers(
        _ repository: RepositoryName, _ digest: Digest, artifactType: String?, limit: Int, after last: String
    ) throws -> Page<(digest: String, descriptor: JSONValue)> {
        try database.read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT m.digest, m.media_type, length(m.content), m.artifact_type, m.annotations,
                        coalesce(length(m.annotations), 0)
                    FROM repositories r JOIN manifests m ON m.repository = r.id
                    WHERE r.name = ?1 AND m.subject = ?2 AND m.digest > ?3
                        AND (?4 IS NULL OR m.artifact_type = ?4)
                    ORDER BY m.digest LIMIT ?5
                    """,
                arguments: [repository.description, digest.description, last, artifactType, limit + 1])
            var items: [(digest: String, descriptor: JSONValue)] = []
            var room = Self.annotationLimit
            while let row = try rows.next() {
                let size: Int = row[5]
                guard items.count < limit, items.isEmpty || size <= room else {
                    return Page(items: items, hasMore: true)
                }
                room -= size
                items.append((row[0], try Self.descriptor(row)))
            }
            return Page(items: items, hasMore: false)
        }
    }

    private static func descriptor(_ row: Row) throws -> JSONValue {
        var object = JSONObject()
        object["mediaType"] = .string(row[1])
        object["digest"] = .string(row[0])
        object["size"] = .integer(row[2])
        if let type: String = row[3] { object["artifactType"] = .string(type) }
        if let text: String = row[4] { object["annotations"] = try JSONValue(parsing: Array(text.utf8)) }
        return .object(object)
    }
}
