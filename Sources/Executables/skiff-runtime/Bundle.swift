import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// A bundle: a directory with `config.json` and a root filesystem (bundle.md of the specification).
enum Bundle {
    static func specification(_ bundle: String) throws(CommandError) -> RuntimeSpec {
        try specification(file: "\(bundle)/config.json")
    }

    static func specification(file: String) throws(CommandError) -> RuntimeSpec {
        let value = try json(file)
        do throws(RuntimeSpecError) {
            return try RuntimeSpec(json: value)
        } catch {
            throw CommandError(error.message)
        }
    }

    static func json(_ file: String) throws(CommandError) -> JSONValue {
        let bytes = try system("cannot read the specification") { () throws(SystemCallError) in
            try readFile(file)
        }
        do throws(JSONSyntaxError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw CommandError("\(file): \(error)")
        }
    }

    /// An absolute path without links, as state files and hooks want it.
    static func absolute(_ path: String) throws(CommandError) -> String {
        guard let resolved = realpath(path, nil) else {
            throw CommandError("bundle \(path): \(SystemCallError(call: "realpath"))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
