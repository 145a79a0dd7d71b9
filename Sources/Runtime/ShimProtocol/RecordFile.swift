import Glibc
import JSONCodec
import LinuxKernel

/// Longest record that is read; real ones have a few hundred bytes.
private let recordLimit = 1 << 20

func writeRecord(_ path: String, _ value: JSONValue) throws(ShimError) {
    do throws(SystemCallError) {
        try replaceFile(path, value.bytes(), mode: 0o600)
    } catch {
        throw ShimError(.inputOutput, "cannot write \(path): \(error)")
    }
}

/// nil where there is no such file.
func readRecord(_ path: String) throws(ShimError) -> JSONValue? {
    let bytes: [UInt8]
    do throws(SystemCallError) {
        bytes = try readFile(path, limit: recordLimit)
    } catch {
        if error.errno == ENOENT { return nil }
        throw ShimError(.inputOutput, "cannot read \(path): \(error)")
    }
    do throws(ShimError) {
        return try parse(bytes)
    } catch {
        throw ShimError(.malformedMessage, "\(path): \(error.message)")
    }
}
