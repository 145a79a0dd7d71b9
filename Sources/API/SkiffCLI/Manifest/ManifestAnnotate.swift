import OCIModel

/// `manifest annotate`
enum ManifestAnnotate {
    private static let architecture = Flag("arch", .string, "Architecture")
    private static let os = Flag("os", .string, "Operating system")
    private static let features = Flag("os-features", .stringSlice, "Features of the operating system")
    private static let version = Flag("os-version", .string, "Version of the operating system")
    private static let variant = Flag("variant", .string, "Variant of the architecture")

    /// Combinations that Go knows, which is what Docker's client compares with.
    private static let architectures: [String: Set<String>] = [
        "aix": ["ppc64"], "android": ["386", "amd64", "arm", "arm64"], "darwin": ["amd64", "arm64"],
        "dragonfly": ["amd64"], "freebsd": ["386", "amd64", "arm", "arm64"], "illumos": ["amd64"],
        "ios": ["amd64", "arm64"], "js": ["wasm"],
        "linux": [
            "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
            "ppc64le", "riscv64", "s390x",
        ],
        "netbsd": ["386", "amd64", "arm", "arm64"], "openbsd": ["386", "amd64", "arm", "arm64"],
        "plan9": ["386", "amd64", "arm"], "solaris": ["amd64"], "wasip1": ["wasm"],
        "windows": ["386", "amd64", "arm", "arm64"],
    ]

    static func command() -> Command {
        Command(
            paths: ["manifest annotate"], usage: "[OPTIONS] MANIFEST_LIST MANIFEST",
            summary: "Say what a manifest of a list is for",
            flags: [architecture, os, features, version, variant], arguments: .exactly(2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var list = try invocation.manifestList(invocation.arguments[0])
        if list.exists { try list.load() }
        let name = try Reference(invocation.arguments[1]).withDefaultTag.familiar
        guard var entry = try list.entry(name) else {
            throw CommandError(
                .invalidArgument, "manifest for image \(name) does not exist in \(list.reference.familiar)")
        }
        var platform = entry.descriptor.platform ?? Platform(os: "", architecture: "")
        if invocation.isSet(os) { platform.os = invocation.string(os) }
        if invocation.isSet(architecture) { platform.architecture = invocation.string(architecture) }
        if invocation.isSet(variant) { platform.variant = invocation.string(variant) }
        if invocation.isSet(version) { platform.osVersion = invocation.string(version) }
        if invocation.isSet(features) { platform.osFeatures = invocation.list(features) }
        guard architectures[platform.os]?.contains(platform.architecture) == true else {
            throw CommandError(
                .invalidArgument,
                "manifest entry for image has unsupported os/arch combination: \(invocation.string(os))/"
                    + invocation.string(architecture))
        }
        entry.descriptor.platform = platform
        try list.save(entry)
        return 0
    }
}
