// swift-tools-version: 6.2
import PackageDescription

// Folders below Sources are tiers, lowest first: Kernel, Model, Runtime, Storage, Network, Engine, API,
// Executables. A target depends on its own or a lower tier only; Tests/Unit/StructureTests holds that.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Settings of the targets that are linked into the small static executables.
let small: [SwiftSetting] = strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

/// Links an executable without any shared library: start-up and memory are what these processes are about.
let staticExecutable: [LinkerSetting] = [
    .unsafeFlags(["-static-executable", "-Xlinker", "--gc-sections"]),
    .unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release)),
]

/// Links Swift's libraries into a release build of the daemon (GRDB and NIO use Foundation). The compiler notes down
/// what shared Foundation needs at link time; the static one consists of some archives more, which need each other.
let staticFoundation: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-Xlinker", "-S", "-Xlinker", "--start-group"]
            + [
                "FoundationInternationalization", "_FoundationICU", "_FoundationCShims",
                "_FoundationCollections",
                "CoreFoundation",
            ].flatMap { ["-Xlinker", "-l\($0)"] } + ["-Xlinker", "--end-group"],
        .when(configuration: .release))
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let database: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

func library(
    _ tier: String, _ name: String, _ dependencies: [Target.Dependency] = [],
    settings: [SwiftSetting] = strict
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(tier)/\(name)",
        exclude: ["README.md"], swiftSettings: settings)
}

func unitTests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/Unit/\(name)Tests",
        swiftSettings: strict)
}

let package = Package(
    name: "skiff",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // MARK: Kernel
        // Raw system calls and constants; C, no policy.
        .target(name: "CLinux", path: "Sources/Kernel/CLinux", exclude: ["README.md"]),
        // Typed system calls: owned descriptors, mounts, namespaces, capabilities, seccomp, pidfd, pty.
        library("Kernel", "LinuxKernel", ["CLinux"], settings: small),
        // Netlink messages, rtnetlink and nftables.
        library("Kernel", "Netlink", ["LinuxKernel", "CLinux"], settings: small),

        // MARK: Model
        // A small strict JSON reader and writer without Foundation, with Codable on top.
        library("Model", "JSONCodec", settings: small),
        // Types of the OCI specifications, digests, references, platforms, time, the error category.
        library("Model", "OCIModel", ["JSONCodec"], settings: small),
        // Go's text/template over JSON values, for --format.
        library("Model", "GoTemplate", ["JSONCodec"], settings: small),

        // MARK: Runtime
        // Control groups: one protocol, v1 and v2.
        library("Runtime", "Cgroups", ["LinuxKernel", "CLinux", "OCIModel"], settings: small),
        // Creates, starts, enters, signals and deletes containers from an OCI specification.
        library(
            "Runtime", "OCIRuntime", ["Cgroups", "LinuxKernel", "CLinux", "OCIModel", "JSONCodec"],
            settings: small),
        .systemLibrary(
            name: "CSeccomp", path: "Sources/Runtime/CSeccomp", pkgConfig: "libseccomp",
            providers: [.apt(["libseccomp-dev"])]),
        // Framed messages between the daemon and a shim.
        library(
            "Runtime", "ShimProtocol", ["OCIModel", "JSONCodec", "LinuxKernel", "CLinux"], settings: small),

        // MARK: Storage
        .systemLibrary(
            name: "CZstd", path: "Sources/Storage/CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CISAL", path: "Sources/Storage/CISAL", pkgConfig: "libisal",
            providers: [.apt(["libisal-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/Storage/COpenSSL", pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]),
        // Both sides of TLS, over sockets and over memory.
        library("Storage", "TLS", ["OCIModel", "COpenSSL"]),
        // Pull, push and authentication of the OCI distribution protocol.
        library(
            "Storage", "RegistryClient",
            [
                "TLS", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux",
                crypto,
            ]),
        // Blobs, images, layers, overlay snapshots, archives.
        library(
            "Storage", "ImageStore",
            [
                "OCIModel", "JSONCodec", "LinuxKernel", "CLinux", "CZstd", "CISAL",
                crypto,
                database,
                logging,
            ]),

        // MARK: Network
        // Messages of the domain name system, and the table of containers' names.
        library("Network", "DNS", settings: small),
        // Address management, the bridge driver, port maps.
        library(
            "Network", "Networking",
            [
                "DNS", "Netlink", "LinuxKernel", "CLinux", "OCIModel", "JSONCodec",
                logging,
            ]),

        // MARK: Engine
        // Container, exec, event, log, stats services and their durable state.
        library(
            "Engine", "Engine",
            [
                "OCIModel", "JSONCodec", "LinuxKernel", "CLinux", "Cgroups", "OCIRuntime", "ShimProtocol",
                "ImageStore",
                "RegistryClient", "Networking",
                database,
                logging,
            ]),

        // MARK: API
        // Docker's wire types and route table; no Foundation.
        library("API", "DockerAPI", ["OCIModel", "JSONCodec"], settings: small),
        // HTTP/1.1 over NIO: connections, requests, answers; knows no API.
        library(
            "API", "HTTPTransport",
            [
                "TLS", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux",
                logging,
            ] + nio),
        // Signals, log and readiness of programs that run as services.
        library(
            "API", "ServiceProcess",
            [
                "OCIModel", "JSONCodec", "LinuxKernel", "CLinux",
                logging,
            ]),
        // Password hashes: crypt(3).
        .systemLibrary(name: "CCrypt", path: "Sources/API/CCrypt", providers: [.apt(["libcrypt-dev"])]),
        // The OCI distribution specification's server.
        library(
            "API", "RegistryServer",
            [
                "HTTPTransport", "RegistryClient", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux", "CCrypt",
                "COpenSSL",
                crypto,
                database,
                logging,
            ] + nio),
        // HTTP to engine: routes, streams, hijacked connections.
        library(
            "API", "DockerAPIServer",
            [
                "HTTPTransport", "DockerAPI", "Engine", "ShimProtocol", "Cgroups", "ImageStore",
                "RegistryClient", "Networking",
                "OCIModel", "JSONCodec", "LinuxKernel", "CLinux",
                logging,
            ] + nio),
        // A blocking client of the Docker API for small static programs.
        library(
            "API", "EngineClient", ["DockerAPI", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux"],
            settings: small),

        // The commands of skiff; a library so that tests can link them.
        library(
            "API", "SkiffCLI",
            [
                "EngineClient", "DockerAPI", "GoTemplate", "OCIModel", "JSONCodec",
                "LinuxKernel", "CLinux",
            ], settings: small),

        // MARK: Executables
        .executableTarget(
            name: "skiff",
            dependencies: ["SkiffCLI"],
            path: "Sources/Executables/skiff", exclude: ["README.md"], swiftSettings: small,
            linkerSettings: staticExecutable),
        .executableTarget(
            name: "skiffd",
            dependencies: [
                "DockerAPIServer", "HTTPTransport", "ServiceProcess", "Engine", "ImageStore",
                "RegistryClient", "Networking",
                "OCIModel", "JSONCodec",
                "LinuxKernel", "CLinux", logging,
            ] + nio,
            path: "Sources/Executables/skiffd", exclude: ["README.md"], swiftSettings: strict,
            linkerSettings: staticFoundation),
        .executableTarget(
            name: "skiff-registry",
            dependencies: [
                "RegistryServer", "ServiceProcess", "OCIModel", "LinuxKernel", "CLinux",
                logging,
            ],
            path: "Sources/Executables/skiff-registry", exclude: ["README.md"], swiftSettings: strict,
            linkerSettings: staticFoundation),
        .executableTarget(
            name: "skiff-shim",
            dependencies: [
                "OCIRuntime", "ShimProtocol", "Cgroups", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux",
            ],
            path: "Sources/Executables/skiff-shim", exclude: ["README.md"], swiftSettings: small,
            linkerSettings: staticExecutable),
        .executableTarget(
            name: "skiff-runtime",
            dependencies: ["OCIRuntime", "Cgroups", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux"],
            path: "Sources/Executables/skiff-runtime", exclude: ["README.md"], swiftSettings: small,
            linkerSettings: staticExecutable),
        .executableTarget(
            name: "skiff-seccomp",
            dependencies: ["OCIRuntime", "OCIModel", "JSONCodec", "LinuxKernel", "CSeccomp"],
            path: "Sources/Executables/skiff-seccomp", exclude: ["README.md"], swiftSettings: small,
            linkerSettings: [.unsafeFlags(["-static-stdlib"])]),
        .executableTarget(
            name: "skiff-net",
            dependencies: ["DNS", "JSONCodec", "OCIModel", "LinuxKernel", "CLinux"],
            path: "Sources/Executables/skiff-net", exclude: ["README.md"], swiftSettings: small,
            linkerSettings: staticExecutable),

        // MARK: Tests
        unitTests("Structure", []),
        unitTests("JSONCodec", ["JSONCodec"]),
        unitTests("GoTemplate", ["GoTemplate", "JSONCodec"]),
        unitTests("EngineClient", ["EngineClient", "DockerAPI", "JSONCodec"]),
        unitTests("SkiffCLI", ["SkiffCLI", "GoTemplate", "JSONCodec", "OCIModel"]),
        unitTests("ShimProtocol", ["ShimProtocol", "OCIModel", "JSONCodec", "LinuxKernel"]),
        unitTests("DockerAPI", ["DockerAPI", "JSONCodec"]),
        unitTests(
            "TLS",
            [
                "TLS", "COpenSSL", "HTTPTransport", "LinuxKernel",
                .product(name: "NIOEmbedded", package: "swift-nio"),
                logging,
            ] + nio),
        unitTests(
            "HTTPTransport",
            [
                "HTTPTransport", "OCIModel", .product(name: "NIOEmbedded", package: "swift-nio"),
                logging,
            ] + nio),
        unitTests("ServiceProcess", ["ServiceProcess", logging]),
        unitTests(
            "RegistryServer",
            [
                "RegistryServer", "HTTPTransport", "COpenSSL", "OCIModel", "JSONCodec", "LinuxKernel",
                crypto,
                logging,
            ] + nio),
        unitTests(
            "DockerAPIServer",
            [
                "HTTPTransport", "DockerAPIServer", "DockerAPI", "Engine", "JSONCodec", "OCIModel",
                "LinuxKernel",
            ] + nio),
        unitTests("skiffd", ["skiffd", "HTTPTransport", "DockerAPIServer", "Engine", "JSONCodec"]),
        unitTests("OCIModel", ["OCIModel", "JSONCodec"]),
        unitTests("LinuxKernel", ["LinuxKernel", "CLinux"]),
        unitTests("Cgroups", ["Cgroups", "LinuxKernel", "OCIModel"]),
        unitTests(
            "OCIRuntime", ["OCIRuntime", "Cgroups", "LinuxKernel", "CLinux", "OCIModel", "JSONCodec"]),
        unitTests("RegistryClient", ["RegistryClient", "OCIModel", "JSONCodec", "LinuxKernel"]),
        unitTests(
            "ImageStore",
            [
                "ImageStore", "OCIModel", "JSONCodec", "LinuxKernel", "CLinux", "CZstd", "CISAL",
                database,
                logging,
            ]),
        unitTests(
            "Engine",
            [
                "Engine", "OCIModel", "JSONCodec", "LinuxKernel",
                logging,
            ]),
        unitTests("DNS", ["DNS"]),
        unitTests("Netlink", ["Netlink", "LinuxKernel", "CLinux"]),
        unitTests("Networking", ["Networking", "Netlink", "OCIModel", "JSONCodec", "LinuxKernel"]),
        .testTarget(
            name: "NetworkingIntegrationTests",
            dependencies: [
                "Networking", "DNS", "Netlink", "LinuxKernel", logging,
            ],
            path: "Tests/Integration/Networking", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
