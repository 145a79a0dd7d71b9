/// The source tree's rules. A new target gets its row here and in the table of docs/decisions/0003-source-tree.md.
enum Rules {
    /// The tiers, lowest first. A target depends on its own or a lower tier.
    static let tiers = [
        "Kernel", "Model", "Runtime", "Storage", "Network", "Engine", "Build", "API", "Executables",
    ]

    struct Row {
        var tier: String
        /// What the target may depend on; what those may depend on is allowed too.
        var mayImport: Set<String> = []
        /// Products of other packages.
        var products: Set<String> = []
        /// No Foundation, Dispatch, NIO or `async`: it is linked into the small static executables.
        var isBare = false
    }

    static let targets: [String: Row] = [
        "CLinux": Row(tier: "Kernel", isBare: true),
        "LinuxKernel": Row(tier: "Kernel", mayImport: ["CLinux"], isBare: true),
        "Netlink": Row(tier: "Kernel", mayImport: ["LinuxKernel"], isBare: true),

        "JSONCodec": Row(tier: "Model", isBare: true),
        "OCIModel": Row(tier: "Model", mayImport: ["JSONCodec"], isBare: true),
        "GoTemplate": Row(tier: "Model", mayImport: ["JSONCodec"], isBare: true),

        "Cgroups": Row(tier: "Runtime", mayImport: ["LinuxKernel", "OCIModel"], isBare: true),
        "OCIRuntime": Row(tier: "Runtime", mayImport: ["Cgroups", "OCIModel"], isBare: true),
        "ShimProtocol": Row(tier: "Runtime", mayImport: ["OCIModel", "LinuxKernel"], isBare: true),

        "CZstd": Row(tier: "Storage"),
        "CISAL": Row(tier: "Storage"),
        "COpenSSL": Row(tier: "Storage"),
        "TLS": Row(tier: "Storage", mayImport: ["OCIModel", "COpenSSL"]),
        "RegistryClient": Row(
            tier: "Storage", mayImport: ["OCIModel", "LinuxKernel", "TLS"],
            products: ["swift-crypto/Crypto"]),
        "ImageStore": Row(
            tier: "Storage", mayImport: ["OCIModel", "LinuxKernel", "CZstd", "CISAL"],
            products: ["swift-crypto/Crypto", "GRDB.swift/GRDB", "swift-log/Logging"]),

        "DNS": Row(tier: "Network", isBare: true),
        "Networking": Row(
            tier: "Network", mayImport: ["DNS", "Netlink", "OCIModel"], products: ["swift-log/Logging"]),

        "CSeccomp": Row(tier: "Runtime"),
        "Engine": Row(
            tier: "Engine",
            mayImport: [
                "ImageStore", "RegistryClient", "Networking", "ShimProtocol", "Cgroups", "OCIRuntime",
            ],
            products: ["GRDB.swift/GRDB", "swift-log/Logging"]),

        "DockerAPI": Row(tier: "API", mayImport: ["OCIModel"], isBare: true),
        "HTTPTransport": Row(
            tier: "API", mayImport: ["OCIModel", "LinuxKernel", "TLS"],
            products: [
                "swift-nio/NIOCore", "swift-nio/NIOPosix", "swift-log/Logging",
            ]),
        "ServiceProcess": Row(
            tier: "API", mayImport: ["OCIModel", "LinuxKernel"], products: ["swift-log/Logging"]),
        "CCrypt": Row(tier: "API"),
        "RegistryServer": Row(
            tier: "API", mayImport: ["HTTPTransport", "RegistryClient", "OCIModel", "LinuxKernel", "CCrypt"],
            products: [
                "swift-nio/NIOCore", "swift-nio/NIOPosix", "swift-log/Logging",
                "swift-crypto/Crypto", "GRDB.swift/GRDB",
            ]),
        "DockerAPIServer": Row(
            tier: "API", mayImport: ["HTTPTransport", "DockerAPI", "Engine"],
            products: [
                "swift-nio/NIOCore", "swift-nio/NIOPosix", "swift-log/Logging",
            ]),
        "EngineClient": Row(tier: "API", mayImport: ["DockerAPI", "LinuxKernel"], isBare: true),
        "SkiffCLI": Row(tier: "API", mayImport: ["EngineClient", "GoTemplate", "DockerAPI"], isBare: true),

        // Executables wire: any target of a lower tier; the bare ones only bare targets.
        "skiff": Row(tier: "Executables", isBare: true),
        "skiff-shim": Row(tier: "Executables", isBare: true),
        "skiff-runtime": Row(tier: "Executables", isBare: true),
        "skiff-net": Row(tier: "Executables", isBare: true),
        "skiff-seccomp": Row(tier: "Executables"),
        "skiff-registry": Row(tier: "Executables", products: ["swift-log/Logging"]),
        "skiffd": Row(
            tier: "Executables",
            products: [
                "swift-nio/NIOCore", "swift-nio/NIOPosix", "swift-log/Logging",
            ]),
    ]

    /// Everything that `name` may depend on.
    static func reachable(from name: String) -> Set<String> {
        guard let row = targets[name] else { return [] }
        if row.tier == "Executables" {
            return Set(
                targets.filter { $0.value.tier != "Executables" && (!row.isBare || $0.value.isBare) }.keys)
        }
        return row.mayImport.union(row.mayImport.flatMap { reachable(from: $0) })
    }
}
