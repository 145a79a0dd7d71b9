import Foundation
import Testing

@Suite struct SourceStyleTests {
    static let sources = SourceFile.all(below: "Sources")

    private func share(_ values: [Int], atMost limit: Int) -> Double {
        Double(values.count { $0 <= limit }) / Double(max(values.count, 1))
    }

    @Test func thereAreSources() {
        #expect(Self.sources.count > 20)
    }

    @Test func filesAreShort() {
        for file in Self.sources where file.lines.count > 600 {
            Issue.record("\(file.path) has \(file.lines.count) lines; 600 is the limit")
        }
        #expect(share(Self.sources.map(\.lines.count), atMost: 400) >= 0.95)
    }

    @Test func functionsAreShort() {
        var lengths: [Int] = []
        for file in Self.sources where file.path.hasSuffix(".swift") {
            for function in file.functions {
                lengths.append(function.length)
                if function.length > 80 {
                    Issue.record(
                        "\(file.path):\(function.line): a function of \(function.length) lines; 80 is the limit"
                    )
                }
            }
        }
        #expect(share(lengths, atMost: 40) >= 0.95)
    }

    @Test func bareTargetsUseNoFoundationNoDispatchAndNoConcurrency() throws {
        let modules = try Regex(
            #"^\s*(@\w+(\(\w+\))?\s+)*(\w+\s+)?import\s+(\w+\s+)?(Foundation|FoundationEssentials|Dispatch|NIO\w*)\b"#
        )
        let words = try Regex(#"\b(async|await)\b|\bactor\s+[A-Z]"#)
        let bare = Rules.targets.filter(\.value.isBare).map { "Sources/\($0.value.tier)/\($0.key)/" }
        for file in Self.sources
        where bare.contains(where: file.path.hasPrefix) && file.path.hasSuffix(".swift") {
            for (index, line) in file.code.enumerated() {
                if line.contains(modules) || line.contains(words) {
                    Issue.record("\(file.path):\(index + 1): \(line.trimmingCharacters(in: .whitespaces))")
                }
            }
        }
    }

    @Test func productCodeHasNoWayToCrashOnPurpose() throws {
        let forbidden = try Regex(#"\btry!|\bas!|\bfatalError\("#)
        for file in Self.sources where file.path.hasSuffix(".swift") {
            for (index, line) in file.code.enumerated() where line.contains(forbidden) {
                Issue.record("\(file.path):\(index + 1): \(line.trimmingCharacters(in: .whitespaces))")
            }
        }
    }

    @Test func namesSayWhatIsInside() throws {
        let vague = try Regex(#"(Utils?|Utilities|Helpers?|Common|Manager|Misc)\.swift$"#)
        for file in Self.sources {
            #expect(!file.path.contains(vague), "\(file.path)")
        }
    }

    @Test func everyTargetHasAShortReadme() {
        for (name, row) in Rules.targets where !name.hasPrefix("C") || name == "CLinux" || name == "Cgroups" {
            let folder = PackageDescription.root.appending(path: "Sources/\(row.tier)/\(name)")
            guard FileManager.default.fileExists(atPath: folder.path) else { continue }
            let readme = try? String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
            #expect(readme != nil, "\(name) has no README.md")
            #expect((readme ?? "").components(separatedBy: "\n").count <= 61, "README.md of \(name)")
        }
    }

    @Test func theScannerSeesThroughStringsAndComments() {
        let file = SourceFile(
            path: "x.swift",
            lines: [
                "func a() { // }", "    let text = \"} \\\" }\" /* } */", "}", "struct S {", "    init() {",
                "    }", "}",
            ])
        #expect(file.functions.map(\.line) == [1, 5])
        #expect(file.functions.map(\.length) == [3, 2])
    }
}
