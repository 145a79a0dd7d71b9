import OCIModel
import Testing

@testable import Engine

@Suite struct LocalVolumeOptionsTests {
    @Test(arguments: [
        ("10", Int64(10)), ("10b", 10), ("1k", 1024), ("2KB", 2048), ("1.5m", 1_572_864), ("10MiB", 10 << 20),
        ("1 g", 1 << 30), ("0", 0),
    ])
    func sizesAreReadAsDockerReadsThem(text: String, bytes: Int64) {
        #expect(ByteSize.parse(text) == bytes)
    }

    @Test(arguments: ["", "abc", "m", "1x", "-1", "1.2.3m", "9999999p", "1 mm"])
    func whatIsNoSizeIsRefused(text: String) { #expect(ByteSize.parse(text) == nil) }

    @Test(arguments: [
        (["foo": "bar"], "create v: invalid option: \"foo\""),
        (["type": "tmpfs"], "create v: missing required option: \"device\""),
        (["device": "x"], "create v: missing required option: \"type\""),
        (["o": "x", "device": "y"], "create v: missing required option: \"type\""),
        (["size": "x"], "create v: invalid size: 'x'"),
    ])
    func whatIsMissingOrUnknownIsNamed(options: [String: String], message: String) {
        let error = #expect(throws: EngineError.self) { try LocalVolumeOptions(options, of: "v") }
        #expect(error?.message == message && error?.category == .invalidArgument)
    }

    @Test func emptyOptionsMountNothing() throws {
        #expect(try !LocalVolumeOptions(["type": "", "device": "", "o": ""], of: "v").needsMount)
        #expect(try LocalVolumeOptions(["type": "tmpfs", "device": "tmpfs"], of: "v").needsMount)
        #expect(try LocalVolumeOptions(["size": "1m"], of: "v").size == 1 << 20)
    }
}
