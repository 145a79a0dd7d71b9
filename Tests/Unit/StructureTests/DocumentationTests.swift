import Foundation
import Testing

/// What the documents cite is there: paths everywhere, and what holds each promise of docs/SPECIFICATION.md.
@Suite struct DocumentationTests {
    static let documents =
        ["README.md", "CONTRIBUTING.md"].map { Document(path: $0) }
        + ["docs", "Sources", "Tests", "Benchmarks", "packaging"].flatMap(Document.all)

    /// The tests' own words for themselves: `def test_x`, `func x` and fixtures, by the file that has them.
    static let definitions: [(path: String, names: Set<Substring>)] =
        SourceFile.all(below: "Tests", ["swift", "py"]).map { file in
            let head = /^\s*(?:@\w+.*\s)?(?:async )?(?:def|func) (?:test_)?(\w+)/
            return (file.path, Set(file.lines.compactMap { $0.firstMatch(of: head)?.1 }))
        }

    @Test func pathsThatDocumentsNameExist() throws {
        let folders = try Regex("^(Sources|Tests|Benchmarks|docs|scripts|packaging|Fuzz)/[^<>*]*$")
        for document in Self.documents {
            for (line, text) in document.quoted where text.wholeMatch(of: folders) != nil {
                let path = String(text.split(separator: " ")[0])
                #expect(Document.exists(path), "\(document.path):\(line): \(path)")
            }
        }
    }

    @Test func everyPromiseIsHeldByWhatExists() {
        let specification = Document(path: "docs/SPECIFICATION.md")
        let rows = specification.rows(under: "held by")
        #expect(rows.count > 40)
        for (line, cell) in rows {
            var folder = "Tests/"
            let isBenchmark = cell.contains("row")
            for (_, text) in Document.quoted(in: cell) {
                let place = "\(specification.path):\(line): \(text)"
                if text.hasPrefix("make ") {
                    #expect(Self.makefile.contains("\n\(text.dropFirst(5)):"), "\(place)")
                } else if text.contains("/") {
                    // Its existence is the other test's matter; what follows it lies below it.
                    if text.hasPrefix("Tests/") { folder = text }
                } else if isBenchmark {
                    #expect(Self.benchmarks.contains(text), "\(place): no such row in Benchmarks")
                } else {
                    #expect(isDefined(text, below: folder), "\(place): no such test below \(folder)")
                }
            }
        }
    }

    static let makefile = (try? String(contentsOf: Document.url("Makefile"), encoding: .utf8)) ?? ""
    static let benchmarks = SourceFile.all(below: "Benchmarks", ["py"]).flatMap(\.lines).joined(
        separator: "\n")

    private func isDefined(_ name: String, below folder: String) -> Bool {
        let definitions = Self.definitions.filter { $0.path.hasPrefix(folder) }
        guard name.hasSuffix("…") else { return definitions.contains { $0.names.contains(name[...]) } }
        return definitions.contains { $0.names.contains { $0.hasPrefix(name.dropLast()) } }
    }

    @Test func theReaderOfDocumentsSeesTablesAndQuotes() {
        let document = Document(
            path: "x.md",
            lines: [
                "`a/b` c", "```", "`not this`", "```", "| p | held by |", "|---|---|", "| x `y` | `z…` |",
            ])
        #expect(document.quoted.map(\.text) == ["a/b", "y", "z…"])
        #expect(document.rows(under: "held by").map(\.cell) == ["`z…`"])
        #expect(Document.exists("docs/SPEC…") && !Document.exists("docs/NOWHERE…"))
    }
}

/// A page in Markdown.
struct Document {
    var path: String
    var lines: [String]

    init(path: String, lines: [String]) {
        self.path = path
        self.lines = lines
    }

    init(path: String) {
        let text = (try? String(contentsOf: Self.url(path), encoding: .utf8)) ?? ""
        self.init(path: path, lines: text.components(separatedBy: "\n"))
    }

    static func url(_ path: String) -> URL { PackageDescription.root.appending(path: path) }

    static func all(below folder: String) -> [Document] {
        SourceFile.all(below: folder, ["md"]).map { Document(path: $0.path, lines: $0.lines) }
    }

    /// Whether the tree has the path; one that ends with `…` is the beginning of a name.
    static func exists(_ path: String) -> Bool {
        guard path.hasSuffix("…") else { return FileManager.default.fileExists(atPath: url(path).path) }
        let start = url(String(path.dropLast()))
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: start.deletingLastPathComponent().path)
        return names?.contains { $0.hasPrefix(start.lastPathComponent) } ?? false
    }

    /// Every `text` in backquotes outside of blocks of code, with its line (from 1).
    var quoted: [(line: Int, text: String)] {
        var isInCode = false
        return lines.enumerated().flatMap { index, line -> [(line: Int, text: String)] in
            guard !line.hasPrefix("```") else {
                isInCode.toggle()
                return []
            }
            return isInCode ? [] : Self.quoted(in: line).map { (index + 1, $0.text) }
        }
    }

    static func quoted(in line: String) -> [(column: Int, text: String)] {
        line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { ($0.offset, String($0.element)) }
    }

    /// The last cells of the tables whose last column has this head.
    func rows(under head: String) -> [(line: Int, cell: String)] {
        var isInTable = false
        return lines.enumerated().compactMap { index, line in
            guard line.hasPrefix("|") else {
                isInTable = false
                return nil
            }
            let cell = line.split(separator: "|").last?.trimmingCharacters(in: .whitespaces) ?? ""
            defer { if cell == head { isInTable = true } }
            return isInTable && cell != "---" ? (index + 1, cell) : nil
        }
    }
}
