import DockerAPI
import Glibc
import JSONCodec

/// What this program says about itself.
enum ClientVersion {
    static let number = "0.1.0"

    static func oneLine(program: String) -> String {
        program == "docker" ? "Docker version \(number), build skiff" : "Skiff version \(number)"
    }

    static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown"
        #endif
    }

    /// The client's part of `version`'s data.
    static func json(api: APIVersion) -> JSONValue {
        [
            "Version": .string(number), "ApiVersion": .string(api.description),
            "DefaultAPIVersion": .string(APIVersion.current.description), "GitCommit": "",
            "GoVersion": "", "Os": "linux", "Arch": .string(architecture), "BuildTime": "",
            "Context": "default",
        ]
    }
}
