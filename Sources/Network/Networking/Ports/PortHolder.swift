import Glibc
import LinuxKernel

/// Finds the process that listens on a port, to name it when the port is wanted. Reads /proc; only done after a
/// conflict.
enum PortHolder {
    /// `process 812, nginx`; nil where it cannot be told.
    static func find(port: UInt16, transport: TransportProtocol) -> String? {
        let inodes = sockets(port: port, transport: transport)
        guard !inodes.isEmpty else { return nil }
        for process in numericEntries("/proc") {
            for descriptor in numericEntries("/proc/\(process)/fd") {
                guard let target = readLink("/proc/\(process)/fd/\(descriptor)"), inodes.contains(target)
                else {
                    continue
                }
                let name = (try? readFile("/proc/\(process)/comm", limit: 256)).map {
                    String(decoding: $0, as: UTF8.self).filter { !$0.isNewline }
                }
                return "process \(process)" + (name.map { ", \($0)" } ?? "")
            }
        }
        return nil
    }

    /// The sockets bound to a port as their links below /proc/<pid>/fd read: `socket:[4711]`.
    private static func sockets(port: UInt16, transport: TransportProtocol) -> Set<String> {
        var result: Set<String> = []
        for name in [transport.rawValue, transport.rawValue + "6"] {
            guard let bytes = try? readFile("/proc/thread-self/net/\(name)") else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 9, let digits = fields[1].split(separator: ":").last,
                    UInt16(digits, radix: 16) == port, transport != .tcp || fields[3] == "0A"
                else { continue }
                result.insert("socket:[\(fields[9])]")
            }
        }
        return result
    }

    private static func numericEntries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { names.append(name) }
        }
        return names
    }

    private static func readLink(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = buffer.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), buffer.count) }
                ?? -1
        }
        return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
    }
}
