/// What an image runs on (image-spec image-index.md, "platform").
package struct Platform: Sendable, Hashable, Codable {
    package var os: String
    package var architecture: String
    package var variant: String?
    package var osVersion: String?
    package var osFeatures: [String]?

    enum CodingKeys: String, CodingKey {
        case architecture, os, variant
        case osVersion = "os.version"
        case osFeatures = "os.features"
    }

    package init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant?.isEmpty == true ? nil : variant
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        os = try container.decodeIfPresent(String.self, forKey: .os) ?? ""
        architecture = try container.decodeIfPresent(String.self, forKey: .architecture) ?? ""
        variant = try container.decodeIfPresent(String.self, forKey: .variant)
        osVersion = try container.decodeIfPresent(String.self, forKey: .osVersion)
        osFeatures = try container.decodeIfPresent([String].self, forKey: .osFeatures)
    }

    /// Parses `os`, `arch`, `os/arch` or `os/arch/variant`, with the usual aliases (`x86_64`, `aarch64`, `armhf`, …).
    /// - Returns: nil where the text has another form
    package init?(_ text: String) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isWord) })
        else { return nil }
        if parts.count == 1 {
            if parts[0] == "linux" || parts[0] == "windows" {
                self.init(
                    os: parts[0], architecture: Platform.host.architecture, variant: Platform.host.variant)
            } else {
                self = Platform(os: "linux", architecture: parts[0]).normalized
            }
        } else {
            self =
                Platform(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
                .normalized
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// The platform of this build, which is the machine's.
    package static var host: Platform {
        #if arch(arm64)
            Platform(os: "linux", architecture: "arm64", variant: "v8")
        #elseif arch(arm)
            Platform(os: "linux", architecture: "arm", variant: "v7")
        #elseif arch(riscv64)
            Platform(os: "linux", architecture: "riscv64")
        #else
            Platform(os: "linux", architecture: "amd64")
        #endif
    }

    /// The same platform under Go's names, with the variant that the architecture implies left out.
    package var normalized: Platform {
        var result = self
        result.os = os.isEmpty ? "linux" : os.lowercased()
        switch (architecture.lowercased(), variant?.lowercased()) {
        case ("x86_64", _), ("x86-64", _), ("amd64", "v1"):
            (result.architecture, result.variant) = ("amd64", nil)
        case ("i386", _), ("i486", _), ("i586", _), ("i686", _):
            (result.architecture, result.variant) = ("386", nil)
        case ("aarch64", let variant), ("arm64", let variant):
            (result.architecture, result.variant) = (
                "arm64", variant == "v8" || variant == "8" ? nil : variant
            )
        case ("armhf", _): (result.architecture, result.variant) = ("arm", "v7")
        case ("armel", _): (result.architecture, result.variant) = ("arm", "v6")
        case ("arm", let variant):
            let named = variant.map { $0.hasPrefix("v") ? $0 : "v" + $0 }
            (result.architecture, result.variant) = ("arm", named ?? "v7")
        case (let architecture, let variant): (result.architecture, result.variant) = (architecture, variant)
        }
        return result
    }

    /// Whether both names mean one platform; a variant counts where it is asked for.
    package func isSame(as wanted: Platform) -> Bool {
        let (mine, theirs) = (normalized, wanted.normalized)
        return mine.os == theirs.os && mine.architecture == theirs.architecture
            && (theirs.variant == nil || mine.variant == theirs.variant)
    }

    /// How well an image for `image` serves this platform: 0 is exact, nil is not at all.
    ///
    /// A 32-bit ARM machine runs lower variants; amd64 runs 386 images as the last choice, and arm64 the arm ones.
    package func distance(to image: Platform) -> Int? {
        let (mine, theirs) = (normalized, image.normalized)
        guard mine.os == theirs.os else { return nil }
        let level = { (platform: Platform) in platform.variant.flatMap { Int($0.dropFirst()) } ?? 1 }
        if mine.architecture == theirs.architecture {
            if mine.variant == theirs.variant { return 0 }
            guard level(theirs) <= level(mine) else { return nil }
            return level(mine) - level(theirs)
        }
        switch (mine.architecture, theirs.architecture) {
        case ("amd64", "386"): return 100
        case ("arm64", "arm"): return 200 - level(theirs)
        default: return nil
        }
    }
}

extension Platform: CustomStringConvertible {
    package var description: String {
        [os, architecture, variant].compactMap { $0 }.joined(separator: "/")
    }
}
