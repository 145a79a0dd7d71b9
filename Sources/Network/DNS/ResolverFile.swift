/// A resolver configuration as far as containers need it (resolv.conf(5)).
package struct ResolverFile: Equatable, Sendable {
    package var nameServers: [String] = []
    package var search: [String] = []
    package var options: [String] = []

    package init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let keyword = words.first, line.first?.isWhitespace == false else { continue }
            // The last search line counts, as for the C library; options add up there, but the last wins in Docker.
            switch keyword {
            case "nameserver": if words.count > 1 { nameServers.append(words[1]) }
            case "search": search = Array(words.dropFirst())
            case "options": options = Array(words.dropFirst())
            default: continue
            }
        }
    }

    package var text: String {
        var lines: [String] = []
        if !search.isEmpty { lines.append("search " + search.joined(separator: " ")) }
        lines += nameServers.map { "nameserver \($0)" }
        if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }
}
