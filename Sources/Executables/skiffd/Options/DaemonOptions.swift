import HTTPTransport
import DockerAPIServer
import Engine
import JSONCodec

/// Everything that flags and file decide, with types, defaults filled in.
struct DaemonOptions: Sendable {
    var engine = EngineConfiguration()
    var hosts: [ListenAddress] = []
    /// nil where the API on TCP is not encrypted.
    var tls: TLSOptions?
    var pidfile = ""
    /// Empty for `docker`, where that group exists.
    var socketGroup = ""
    var logLevel = "info"
    var logsJSON = false
    /// Seconds.
    var shutdownTimeout = 10

    static let defaultDataRoot = "/var/lib/skiff"
    static let dropInSocket = "/var/run/docker.sock"

    /// - Throws: `OptionError`, naming the key
    init(_ values: JSONObject) throws(OptionError) {
        let reader = OptionReader(values)
        engine.isDropIn = try reader.bool("drop-in") ?? false
        try readGeneral(reader)
        try readContainers(reader)
        try readLogging(reader)
        try BridgeOptions.read(reader, into: &engine)
        engine.registries = try RegistryOptions.read(reader, values)
        tls = try TLSOptions.read(reader)
        try readHosts(reader)
    }

    private mutating func readGeneral(_ reader: OptionReader) throws(OptionError) {
        engine.dataRoot = try reader.path("data-root") ?? Self.defaultDataRoot
        engine.execRoot = try reader.path("exec-root") ?? "/run/skiff"
        engine.instanceName = try reader.string("instance") ?? InstanceName.derived(from: engine.dataRoot)
        guard InstanceName.isValid(engine.instanceName) else {
            throw OptionError(
                "instance: \"\(engine.instanceName)\" may hold letters, digits, '-' and '_' only")
        }
        pidfile = try reader.path("pidfile") ?? "\(engine.execRoot)/skiffd.pid"
        socketGroup = try reader.string("group") ?? ""
        engine.labels = try Self.labels(reader)
        shutdownTimeout = try reader.integer("shutdown-timeout", 0...86400) ?? 10
        engine.isExperimental = try reader.bool("experimental") ?? false
        try readStorage(reader)
        engine.storageLimit = try Self.storageLimit(reader)
        if try reader.bool("live-restore") == false {
            throw OptionError("live-restore: false is not supported: containers always outlive the daemon")
        }
    }

    private mutating func readStorage(_ reader: OptionReader) throws(OptionError) {
        let drivers = EngineConfiguration.storageDrivers
        try reader.only("storage-driver", drivers)
        if let name = try reader.string("storage-driver"), !name.isEmpty {
            engine.setStorageDriver(name)
        }
        for option in try reader.strings("storage-opts") ?? [] {
            let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
            let key = (parts.first ?? "").lowercased()
            // Whatever the driver will be; an option of the other says nothing.
            guard parts.count == 2, drivers.contains(where: { key == "\($0).size" }) else {
                if key == "overlay2.override_kernel_check", parts.count == 2 { continue }
                throw OptionError(
                    "storage-opts: unknown option \"\(option)\": overlay2.size=BYTES and vfs.size=BYTES are known"
                )
            }
            guard let bytes = OptionReader.size(parts[1]), bytes >= 0 else {
                throw OptionError("storage-opts: invalid size: '\(parts[1])'")
            }
            engine.containerSize = bytes > 0 ? UInt64(bytes) : nil
        }
    }

    private static func storageLimit(_ reader: OptionReader) throws(OptionError) -> StorageLimit? {
        guard let text = try reader.string("storage-budget"), !text.isEmpty else { return nil }
        if text.hasSuffix("%") {
            guard let share = Int(text.dropLast()), (1...99).contains(share) else {
                throw OptionError("storage-budget: \"\(text)\" is no share of the disk from 1% to 99%")
            }
            return .percent(share)
        }
        guard let bytes = OptionReader.size(text), bytes > 0 else {
            throw OptionError(
                "storage-budget: \"\(text)\" is neither a size such as 20g nor a share such as 80%")
        }
        return .bytes(bytes)
    }

    static func labels(_ reader: OptionReader) throws(OptionError) -> [String] {
        let labels = try reader.strings("labels") ?? []
        for label in labels where !label.contains("=") || label.hasPrefix("=") {
            throw OptionError("bad attribute format: \(label): labels have the form NAME=VALUE")
        }
        return labels
    }

    private mutating func readContainers(_ reader: OptionReader) throws(OptionError) {
        engine.cgroupParent = try reader.string("cgroup-parent") ?? ""
        for option in try reader.strings("exec-opts") ?? [] {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.first == "native.cgroupdriver", parts.count == 2,
                let driver = CgroupDriver(rawValue: String(parts[1]))
            else {
                throw OptionError(
                    "exec-opts: \"\(option)\" is not supported: native.cgroupdriver=systemd and "
                        + "native.cgroupdriver=cgroupfs are")
            }
            engine.cgroupDriver = driver
        }
        if let text = try reader.string("default-cgroupns-mode") {
            guard let mode = CgroupNamespaceMode(rawValue: text) else {
                throw OptionError("default-cgroupns-mode: \"\(text)\" is invalid: use 'host' or 'private'")
            }
            engine.defaultCgroupNamespace = mode
        }
        try reader.only("default-ipc-mode", ["private", "shareable"])
        if let mode = try reader.string("default-ipc-mode").flatMap(IPCMode.init) {
            engine.defaultIPCMode = mode
        }
        if let size = try reader.bytes("default-shm-size") { engine.defaultShmSize = size }
        engine.stopTimeout = try reader.integer("default-stop-timeout", -1...86400) ?? 10
        engine.defaultUlimits = try reader.ulimits("default-ulimits")
        try reader.only("default-runtime", ["runc", "skiff"])
        engine.initByDefault = try reader.bool("init") ?? false
        engine.initPath = try reader.path("init-path") ?? ""
        engine.noNewPrivileges = try reader.bool("no-new-privileges") ?? false
        let profile = try reader.string("seccomp-profile") ?? ""
        engine.seccompProfilePath = profile == "builtin" ? "" : profile
    }

    private mutating func readLogging(_ reader: OptionReader) throws(OptionError) {
        engine.isDebug = try reader.bool("debug") ?? false
        logLevel = try reader.string("log-level") ?? "info"
        guard ["debug", "info", "warn", "error", "fatal"].contains(logLevel) else {
            throw OptionError("log-level: unable to parse logging level: \(logLevel)")
        }
        try reader.only("log-format", ["text", "json"])
        logsJSON = try reader.string("log-format") == "json"
        engine.logDefaults = LogSettings(
            driver: try reader.string("log-driver") ?? "json-file", options: try reader.map("log-opts"))
    }

    private mutating func readHosts(_ reader: OptionReader) throws(OptionError) {
        let texts = try reader.strings("hosts") ?? ["unix://\(engine.execRoot)/skiff.sock"]
        for text in texts {
            do {
                hosts.append(
                    try ListenAddress(
                        text, defaultPort: tls == nil ? ListenAddress.defaultPort : TLSOptions.defaultPort))
            } catch {
                throw OptionError(error.message)
            }
        }
        let dropIn = ListenAddress.unix(path: Self.dropInSocket)
        if engine.isDropIn, !hosts.contains(dropIn) { hosts.append(dropIn) }
    }
}

/// What tells the daemons of one host apart, in names that the kernel keeps for all of them.
enum InstanceName {
    static func isValid(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    /// `skiff` for the default root; with eight digits from any other root's path (FNV-1a).
    static func derived(from dataRoot: String) -> String {
        guard dataRoot != DaemonOptions.defaultDataRoot else { return "skiff" }
        let hash = dataRoot.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return "skiff-" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
