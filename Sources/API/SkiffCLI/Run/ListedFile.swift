import LinuxKernel

/// Files of `--env-file` and `--label-file`: a `NAME=value` on each line, `#` begins a comment.
enum ListedFile {
    /// - Parameter inherited: the value of a name that stands without one; nil leaves the line out
    /// - Throws: `CommandError`
    static func read(
        _ path: String, inherited: (String) -> String?
    ) throws(CommandError) -> [String] {
        let bytes: [UInt8]
        do throws(SystemCallError) {
            bytes = try readFile(path)
        } catch {
            throw CommandError(.environment, "open \(path): \(FileReason.text(error))")
        }
        var text = String(decoding: bytes, as: UTF8.self)[...]
        if text.first == "\u{FEFF}" { text = text.dropFirst() }
        var result: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop(while: \.isWhitespace)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let name = line.prefix { $0 != "=" }
            if name.isEmpty { throw CommandError(.invalidArgument, "no variable name on line '\(line)'") }
            if name.contains(where: \.isWhitespace) {
                throw CommandError(.invalidArgument, "variable '\(name)' contains whitespaces")
            }
            if name.count < line.count {
                result.append(String(line))
            } else if let value = inherited(String(name)) {
                result.append("\(name)=\(value)")
            }
        }
        return result
    }

    /// The environment that `--env-file` and `--env` describe.
    static func environment(files: [String], variables: [String]) throws(CommandError) -> [String] {
        var result: [String] = []
        for file in files {
            do throws(CommandError) {
                result += try read(file, inherited: Session.variable)
            } catch  where error.code == .invalidArgument {
                throw CommandError(.invalidArgument, "invalid env file (\(file)): \(error.message)")
            }
        }
        for text in variables {
            if text.contains("=") {
                result.append(text)
            } else if let value = Session.variable(text) {
                result.append("\(text)=\(value)")
            }
        }
        return result
    }

    /// The labels that `--label-file` and `--label` describe.
    static func labels(files: [String], labels: [String]) throws(CommandError) -> [(String, String)] {
        var result: [String] = []
        for file in files { result += try read(file, inherited: { _ in nil }) }
        return (result + labels).map { $0.cut("=") ?? ($0, "") }
    }
}

/// Reasons of failed file operations in lower case, as Go words them.
enum FileReason {
    static func text(_ error: SystemCallError) -> String {
        let text = SystemCallError(call: "", errno: error.errno).description
        return text.drop { $0 == ":" || $0 == " " }.lowercased()
    }
}
