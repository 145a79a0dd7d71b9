import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime

/// What the driver `local` is told of a volume: what is to be mounted where its files are.
struct LocalVolumeOptions: Sendable, Hashable {
    /// A filesystem of the kernel, or `none` for a bind mount.
    var type = ""
    /// A block device, a directory for a bind mount, `tmpfs`, a remote share.
    var device = ""
    /// mount(8)'s options, separated by commas.
    var mountOptions = ""
    /// How many bytes the files may occupy; 0 for any number.
    var size: Int64 = 0

    /// Whether something is mounted while containers run with the volume.
    var needsMount: Bool { !type.isEmpty || !device.isEmpty }

    /// - Parameter name: the volume's, for messages
    /// - Throws: in Docker's words where an option is unknown, or another is missing beside it
    init(_ options: [String: String], of name: String) throws(EngineError) {
        for key in options.keys.sorted() where !["type", "device", "o", "size"].contains(key) {
            throw .invalid("create \(name): invalid option: \"\(key)\"")
        }
        for (key, needed) in [("device", ["type"]), ("o", ["device", "type"]), ("type", ["device"])]
        where options[key] != nil {
            for other in needed where options[other] == nil {
                throw .invalid("create \(name): missing required option: \"\(other)\"")
            }
        }
        type = options["type"] ?? ""
        device = options["device"] ?? ""
        mountOptions = options["o"] ?? ""
        if let text = options["size"] {
            guard let bytes = ByteSize.parse(text) else {
                throw .invalid("create \(name): invalid size: '\(text)'")
            }
            size = bytes
        }
    }

    /// Options that are none: the mount fails, and names them.
    init(unreadable options: [String: String]) {
        type = "unreadable"
        device = options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    // MARK: Mounting

    /// Mounts it on a directory. Blocks, for a remote share as long as its server lets it.
    /// - Throws: `EngineError` in Docker's words
    func mount(on path: String) throws(EngineError) {
        do {
            let options = try MountOptions(mountOptions.split(separator: ",").map(String.init))
            if isBind {
                try bind(on: path, options)
            } else {
                try LinuxKernel.mount(
                    device, on: path, type: type, flags: options.flags,
                    data: options.data.joined(separator: ","))
                if let propagation = options.propagation {
                    try changeMount(
                        at: path, propagation: propagation, recursively: options.propagatesRecursively)
                }
            }
        } catch let error as SystemCallError {
            throw failure(error, path)
        } catch {
            throw EngineError(.startFailed, "\(message(path)): \(error)", cause: error)
        }
    }

    private var isBind: Bool {
        mountOptions.split(separator: ",").contains { $0 == "bind" || $0 == "rbind" }
    }

    private func bind(on path: String, _ options: MountOptions) throws(SystemCallError) {
        let tree = try openTree(device, recursively: options.bindsRecursively)
        if options.set != [] || options.clear != [] {
            try changeMount(tree.rawValue, set: options.set, clear: options.clear, named: device)
        }
        try moveMount(tree.rawValue, to: path)
        if let propagation = options.propagation {
            try changeMount(at: path, propagation: propagation, recursively: options.propagatesRecursively)
        }
    }

    private func message(_ path: String) -> String {
        var text = "failed to mount local volume: mount \(device):\(path)"
        if isBind { text += ", flags: 0x1000" }
        let data = (try? MountOptions(mountOptions.split(separator: ",").map(String.init)))?.data ?? []
        if !data.isEmpty { text += ", data: \(data.joined(separator: ","))" }
        return text
    }

    private func failure(_ error: SystemCallError, _ path: String) -> EngineError {
        let reason = String(cString: strerror(error.errno)).lowercased()
        var text = "error while mounting volume '\(path)': \(message(path)): \(reason)"
        if error.errno == ENODEV {
            text +=
                " (this kernel has no filesystem '\(type)': load its module, 'modprobe \(type)', or use a kernel "
                + "that has it)"
        }
        return EngineError(.startFailed, text, cause: error)
    }
}
