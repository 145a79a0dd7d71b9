import Foundation

/// What `swift package dump-package` says, as far as the rules need it.
struct PackageDescription: Decodable {
    struct Target: Decodable {
        var name: String
        var type: String
        var path: String?
        var dependencies: [Dependency]

        /// Names of the package's own targets that this one depends on.
        var targets: [String] { dependencies.compactMap(\.target) }
        /// `package/product` of other packages.
        var products: [String] { dependencies.compactMap(\.product) }
    }

    /// `{"byName": ["X", null]}`, `{"target": ["X", null]}` or `{"product": ["P", "package", …]}`.
    struct Dependency: Decodable {
        var target: String?
        var product: String?

        private enum Keys: String, CodingKey { case byName, target, product }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            if container.contains(.product) {
                var list = try container.nestedUnkeyedContainer(forKey: .product)
                let name = try list.decode(String.self)
                product = "\(try list.decode(String.self))/\(name)"
            } else {
                var list = try container.nestedUnkeyedContainer(
                    forKey: container.contains(.byName) ? .byName : .target)
                target = try list.decode(String.self)
            }
        }
    }

    var targets: [Target]

    /// The folder with Package.swift.
    static let root: URL = {
        var folder = URL(filePath: #filePath)
        repeat {
            folder.deleteLastPathComponent()
        } while !FileManager.default.fileExists(
            atPath: folder.appending(path: "Package.swift").path)
        return folder
    }()

    /// Asks SwiftPM. It gets a scratch folder of its own because the test runner may hold the lock of `.build`.
    static func load() throws -> PackageDescription {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "skiff-structure-\(getpid())")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", root.path, "--scratch-path", scratch.path, "dump-package",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(PackageDescription.self, from: data)
    }
}
