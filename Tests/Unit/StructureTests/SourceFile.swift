import Foundation

/// A source file of the project and what the rules count in it.
struct SourceFile {
    var path: String
    var lines: [String]

    /// The files below `folder` with one of the extensions.
    static func all(below folder: String, _ extensions: Set<String> = ["swift", "c", "h"]) -> [SourceFile] {
        let root = PackageDescription.root.appending(path: folder)
        let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return names.filter { extensions.contains(URL(filePath: $0).pathExtension) }.sorted().compactMap {
            name in
            guard let text = try? String(contentsOf: root.appending(path: name), encoding: .utf8) else {
                return nil
            }
            return SourceFile(path: "\(folder)/\(name)", lines: text.components(separatedBy: "\n"))
        }
    }

    /// Lines with comments and the insides of string literals blanked, so that words and braces in them do not count.
    var code: [String] {
        var scanner = CodeScanner()
        return lines.map { scanner.blank($0) }
    }

    /// First line (from 1) and length of every function, initialiser and accessor block with a body.
    var functions: [(line: Int, length: Int)] {
        var found: [(line: Int, length: Int)] = []
        var open: [(line: Int, depth: Int)] = []
        var depth = 0
        var pending: Int?
        for (index, line) in code.enumerated() {
            if isFunctionHead(line) { pending = index }
            for character in line {
                if character == "{" {
                    if let start = pending {
                        open.append((start, depth))
                        pending = nil
                    }
                    depth += 1
                } else if character == "}" {
                    depth -= 1
                    // The end of a protocol: its last requirement has no body.
                    pending = nil
                    if let last = open.last, last.depth == depth {
                        open.removeLast()
                        found.append((last.line + 1, index - last.line + 1))
                    }
                }
            }
        }
        return found
    }

    private func isFunctionHead(_ line: String) -> Bool {
        let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        guard let keyword = words.first(where: { ["func", "init", "deinit", "subscript"].contains($0) })
        else {
            return false
        }
        if keyword == "func" || keyword == "subscript" { return true }
        // `init(…)` as a declaration, not as a call: nothing but modifiers before it.
        let modifiers: Set<Substring> = [
            "public", "package", "internal", "fileprivate", "private", "convenience", "required", "override",
            "nonisolated", "isolated", "consuming", "mutating",
        ]
        let trimmed = line.trimmingCharacters(in: .whitespaces)
        return words.prefix { $0 != keyword }.allSatisfy(modifiers.contains) && !trimmed.hasPrefix(".")
    }
}

/// Blanks comments and string literals line by line.
struct CodeScanner {
    private var commentDepth = 0
    private var isInMultilineString = false

    mutating func blank(_ line: String) -> String {
        var result = ""
        var rest = Substring(line)
        var isInString = false
        while let character = rest.first {
            if commentDepth > 0 {
                if rest.hasPrefix("*/") { commentDepth -= 1; rest = rest.dropFirst(2); continue }
                if rest.hasPrefix("/*") { commentDepth += 1; rest = rest.dropFirst(2); continue }
            } else if isInMultilineString {
                if rest.hasPrefix("\"\"\"") {
                    isInMultilineString = false; rest = rest.dropFirst(3); continue
                }
            } else if isInString {
                if character == "\\" { rest = rest.dropFirst(2); continue }
                if character == "\"" { isInString = false }
            } else if rest.hasPrefix("//") {
                break
            } else if rest.hasPrefix("/*") {
                commentDepth += 1
            } else if rest.hasPrefix("\"\"\"") {
                isInMultilineString = true
                rest = rest.dropFirst(3)
                continue
            } else if character == "\"" {
                isInString = true
            } else {
                result.append(character)
            }
            rest = rest.dropFirst()
        }
        return result
    }
}
