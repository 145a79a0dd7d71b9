import OCIModel
import Testing

@testable import SkiffCLI

@Suite struct StreamTests {
    @Test func detachKeysAreFoundAcrossPieces() throws {
        var keys = DetachKeys.standard
        #expect(keys.filter([1, 16]).passed == [1])
        #expect(keys.filter([16, 2]).passed == [16, 16, 2])
        var again = DetachKeys.standard
        _ = again.filter([16])
        let end = again.filter([17, 99])
        #expect(end.detached && end.passed.isEmpty)
    }

    @Test func heldKeysArePassedOnWhenTheSequenceBreaks() throws {
        var keys = DetachKeys.standard
        #expect(keys.filter([16]).passed == [])
        #expect(keys.filter([65]).passed == [16, 65])
        #expect(keys.filter([16, 16, 17]) == ([16], true))
    }

    @Test func detachKeysParse() {
        #expect(DetachKeys(parsing: "ctrl-a,a") != nil)
        #expect(DetachKeys(parsing: "ctrl-@") != nil)
        #expect(DetachKeys(parsing: "ctrl-[") != nil)
        for text in ["", "ctrl-", "ctrl-A1", "ab", "a,,b"] { #expect(DetachKeys(parsing: text) == nil) }
    }

    @Test func framesComeApartWhereverThePiecesEnd() {
        let stream: [UInt8] = [
            1, 0, 0, 0, 0, 0, 0, 2, 65, 66, 2, 0, 0, 0, 0, 0, 0, 1, 67, 1, 0, 0, 0, 0, 0, 0, 0,
        ]
        for size in 1...stream.count {
            var reader = FrameReader()
            var output: [UInt8: [UInt8]] = [:]
            for start in Swift.stride(from: 0, to: stream.count, by: size) {
                Array(stream[start..<min(start + size, stream.count)]).withUnsafeBufferPointer { piece in
                    reader.read(piece) { output[$0, default: []] += $1 }
                }
            }
            #expect(output == [1: [65, 66], 2: [67]])
            #expect(!reader.isWithinFrame)
        }
    }

    @Test(arguments: [
        ("exec: \"x\": executable file not found in $PATH", 127), ("stat /x: no such file or directory", 127),
        ("exec: \"/etc\": permission denied", 126), ("exec: \"/etc\": is a directory", 126),
        ("anything else", 125),
    ])
    func failedStartsHaveDockersExitCodes(_ message: String, _ code: Int32) {
        #expect(ContainerRun.exitCode(of: message) == code)
    }

    @Test func capabilitiesAreNormal() {
        #expect(
            SecurityFlags.capabilities(["net_admin", "CAP_SYS_TIME", "NET_ADMIN"]) == [
                "CAP_NET_ADMIN", "CAP_SYS_TIME",
            ])
        #expect(SecurityFlags.capabilities(["chown", "all"]) == ["ALL"])
    }

    @Test func timesOfFlagsBecomeSeconds() throws {
        #expect(try TimeArgument.seconds("2026-01-02T03:04:05Z", "since") == "1767323045.000000000")
        #expect(try TimeArgument.seconds("1m", "since", now: .init(seconds: 100)) == "40.000000000")
        #expect(try TimeArgument.seconds("1700000000", "since") == "1700000000")
        #expect(throws: CommandError.self) { _ = try TimeArgument.seconds("soon", "since") }
    }

    @Test func commandTableHasNoPathTwiceAndEveryCommandItsOwn() {
        let paths = CommandTable.entries.flatMap(\.paths)
        #expect(Set(paths).count == paths.count)
        for entry in CommandTable.entries {
            let command = entry.make()
            #expect(command.paths == entry.paths)
            #expect(!command.summary.isEmpty)
            let names = command.flags.map(\.name)
            #expect(Set(names).count == names.count)
            let letters = command.flags.compactMap(\.short)
            #expect(Set(letters).count == letters.count)
        }
    }
}
