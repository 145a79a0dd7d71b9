import GoTemplate

/// Checks of flags' values, made while the command line is read; each answers what is wrong, in Docker's words.
enum FlagCheck {
    static let environment: @Sendable (String) -> String? = { text in
        text.isEmpty || text.hasPrefix("=") ? "invalid environment variable: \(text)" : nil
    }

    static let stream: @Sendable (String) -> String? = { text in
        ["stdin", "stdout", "stderr"].contains(text.lowercased())
            ? nil : "valid streams are STDIN, STDOUT and STDERR"
    }

    static let label: @Sendable (String) -> String? = { text in
        let name = text.prefix { $0 != "=" }
        if name.isEmpty { return "invalid label '\(text)': empty name" }
        return name.contains(where: \.isWhitespace) ? "label '\(name)' contains whitespaces" : nil
    }

    static let extraHost: @Sendable (String) -> String? = { text in
        guard let parts = ExtraHost(text) else { return "bad format for add-host: \(GoPrinter.quoted(text))" }
        if parts.address == "host-gateway" || IPAddress(parts.address) != nil { return nil }
        return "invalid IP address in add-host: \(GoPrinter.quoted(parts.address))"
    }

    static let address: @Sendable (String) -> String? = { text in
        IPAddress(text.trimmed) == nil ? "IP address is not correctly formatted: \(text)" : nil
    }

    /// A domain name: labels of letters, digits and hyphens; a single dot stands for none.
    static let searchDomain: @Sendable (String) -> String? = { text in
        let name = text.trimmed
        if name == "." { return nil }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let valid =
            !name.isEmpty && name.count <= 255 && name.contains(where: \.isLetter)
            && (labels.last?.isEmpty == true ? labels.dropLast() : labels[...]).allSatisfy { label in
                !label.isEmpty && label.count <= 63
                    && label.allSatisfy {
                        $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
                    } && label.first != "-" && label.last != "-"
            }
        return valid ? nil : "\(text) is not a valid domain"
    }

    static let link: @Sendable (String) -> String? = { text in
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if text.isEmpty { return "empty string specified for links" }
        return parts.count > 2 ? "bad format for links: \(text)" : nil
    }

    static let network: @Sendable (String) -> String? = { text in
        do throws(UsageError) {
            _ = try NetworkOption(parsing: text)
            return nil
        } catch {
            return error.message
        }
    }

    static let mount: @Sendable (String) -> String? = { text in
        do throws(UsageError) {
            _ = try MountOption(parsing: text)
            return nil
        } catch {
            return error.message
        }
    }

    static let ulimit: @Sendable (String) -> String? = { text in
        do throws(UsageError) {
            _ = try Ulimit(parsing: text)
            return nil
        } catch {
            return error.message
        }
    }

    static let memorySwap: @Sendable (String) -> String? = { text in
        text == "-1" || FlagText.bytes(text) != nil ? nil : "invalid size: '\(text)'"
    }

    private static let sysctlNames: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni", "kernel.shm_rmid_forced",
    ]

    static let sysctl: @Sendable (String) -> String? = { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let allowed =
            parts.count == 2
            && (sysctlNames.contains(String(parts[0])) || parts[0].hasPrefix("net.")
                || parts[0].hasPrefix("fs.mqueue."))
        return allowed ? nil : "sysctl '\(text)' is not allowed"
    }

    static let weightDevice: @Sendable (String) -> String? = { text in
        guard let (path, value) = deviceAndValue(text) else { return "bad format: \(text)" }
        guard path.hasPrefix("/dev/") else { return "bad format for device path: \(text)" }
        guard let weight = UInt64(value), weight == 0 || (10...1000).contains(weight) else {
            return "invalid weight for device: \(text)"
        }
        return nil
    }

    static let byteRate: @Sendable (String) -> String? = { text in
        guard let (path, value) = deviceAndValue(text) else { return "bad format: \(text)" }
        guard path.hasPrefix("/dev/") else { return "bad format for device path: \(text)" }
        return FlagText.bytes(value) != nil
            ? nil
            : "invalid rate for device: \(text). The correct format is <device-path>:<number>[<unit>]. "
                + "Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
    }

    static let operationRate: @Sendable (String) -> String? = { text in
        guard let (path, value) = deviceAndValue(text) else { return "bad format: \(text)" }
        guard path.hasPrefix("/dev/") else { return "bad format for device path: \(text)" }
        return UInt64(value) != nil
            ? nil
            : "invalid rate for device: \(text). The correct format is <device-path>:<number>. "
                + "Number must be a positive integer"
    }

    /// `device:value`; nil where either is missing.
    static func deviceAndValue(_ text: String) -> (path: String, value: String)? {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    /// `c 1:3 rwm`
    static let deviceRule: @Sendable (String) -> String? = { text in
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, ["a", "b", "c"].contains(words[0]),
            !words[2].isEmpty, words[2].count <= 3, words[2].allSatisfy({ "rwm".contains($0) })
        else { return "invalid device cgroup format '\(text)'" }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        let valid =
            numbers.count == 2 && numbers.allSatisfy { $0 == "*" || UInt32($0) != nil && $0.first != "+" }
        return valid ? nil : "invalid device cgroup format '\(text)'"
    }
}

/// `name:address` or `name=address` of `--add-host`.
struct ExtraHost {
    let name: String
    let address: String

    init?(_ text: String) {
        let mark = text.firstIndex(of: "=") ?? text.firstIndex(of: ":")
        guard let mark, mark != text.startIndex else { return nil }
        name = String(text[..<mark])
        var address = text[text.index(after: mark)...]
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        self.address = String(address)
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }

    /// Both sides of the first `separator`; nil where there is none.
    func cut(_ separator: Character) -> (before: String, after: String)? {
        guard let mark = firstIndex(of: separator) else { return nil }
        return (String(self[..<mark]), String(self[index(after: mark)...]))
    }
}
