import GoTemplate
import JSONCodec
import LinuxKernel

/// `--cap-add`, `--cap-drop` and `--security-opt`.
struct SecurityFlags {
    private let flags: FlagValues

    init(_ flags: FlagValues) { self.flags = flags }

    func add(to host: inout JSONObject) throws(CommandError) {
        host["CapAdd"] = .texts(Self.capabilities(flags.list(RunFlags.capAdd)))
        host["CapDrop"] = .texts(Self.capabilities(flags.list(RunFlags.capDrop)))
        var options: [String] = []
        var unmasked = false
        for text in flags.list(RunFlags.securityOption) {
            if text == "systempaths=unconfined" {
                unmasked = true
            } else {
                options.append(try Self.option(text))
            }
        }
        host["SecurityOpt"] = unmasked ? .list(options) : .texts(options)
        host["MaskedPaths"] = unmasked ? [] : .null
        host["ReadonlyPaths"] = unmasked ? [] : .null
    }

    /// The kernel's names, each once, in order; `ALL` stands for every one.
    static func capabilities(_ names: [String]) -> [String] {
        let normal = names.map { name in
            let upper = name.uppercased()
            return upper == "ALL" || upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        }
        if normal.contains("ALL") { return ["ALL"] }
        return Set(normal).sorted()
    }

    /// One option; a seccomp profile's file is replaced by its content.
    private static func option(_ text: String) throws(CommandError) -> String {
        let parts = text.cut("=") ?? text.cut(":")
        guard let (key, value) = parts else {
            guard text == "no-new-privileges" || text == "writable-cgroups" else {
                throw CommandError(.invalidArgument, "Invalid --security-opt: \(GoPrinter.quoted(text))")
            }
            return text
        }
        guard key == "seccomp", value != "builtin", value != "unconfined" else { return text }
        let bytes: [UInt8]
        do throws(SystemCallError) {
            bytes = try readFile(value)
        } catch {
            throw CommandError(
                .environment,
                "opening seccomp profile (\(value)) failed: open \(value): \(FileReason.text(error))")
        }
        do throws(JSONSyntaxError) {
            _ = try JSONValue(parsing: bytes)
        } catch {
            throw CommandError(
                .invalidArgument, "compacting json for seccomp profile (\(value)) failed: \(error)")
        }
        return "seccomp=" + JSONCompaction.compact(bytes)
    }
}

/// JSON without the white space between its tokens, otherwise byte for byte as it was.
enum JSONCompaction {
    static func compact(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var inString = false
        var escaped = false
        for byte in bytes {
            if inString {
                output.append(byte)
                if escaped {
                    escaped = false
                } else if byte == 0x5C {
                    escaped = true
                } else if byte == 0x22 {
                    inString = false
                }
            } else if byte != 0x20, byte != 0x0A, byte != 0x0D, byte != 0x09 {
                output.append(byte)
                inString = byte == 0x22
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
