import LinuxKernel
import Networking

/// Lines of a hosts file that is mounted: changed in place, everything else stays.
enum HostsLines {
    /// Blocks. Leads names to an address, on the line that they have or on a new one.
    /// - Parameters:
    ///   - address: nil to take the line away
    ///   - names: as the line has them
    static func set(_ address: IPAddress?, of names: [String], in path: String) throws {
        try change(path) { edited($0, address, names) }
    }

    /// Blocks. Adds a line unless it is there.
    static func add(_ address: IPAddress, _ names: String, in path: String) throws {
        let line = "\(address)\t\(names)"
        try change(path) { text in
            if text.split(separator: "\n").contains(Substring(line)) { return text }
            return text + (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + line + "\n"
        }
    }

    /// Blocks. Takes a line away.
    static func remove(_ address: IPAddress, _ names: String, in path: String) throws {
        let line = Substring("\(address)\t\(names)")
        try change(path) { text in
            text.split(separator: "\n", omittingEmptySubsequences: false).filter { $0 != line }.joined(
                separator: "\n")
        }
    }

    private static func change(_ path: String, _ body: (String) -> String) throws {
        let text = String(decoding: try readFile(path, limit: 1 << 20), as: UTF8.self)
        let changed = body(text)
        if changed != text { try StartPlan.overwrite(path, changed) }
    }

    static func edited(_ text: String, _ address: IPAddress?, _ names: [String]) -> String {
        var wanted: [String] = []
        for name in names where !name.isEmpty && !wanted.contains(name) { wanted.append(name) }
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let own = fields.first, IPAddress(String(own)) != nil,
                fields.dropFirst().map(String.init) == wanted
            else {
                lines.append(line)
                continue
            }
            if let address { lines.append("\(address)\t\(wanted.joined(separator: " "))") }
        }
        return lines.joined(separator: "\n")
    }
}
