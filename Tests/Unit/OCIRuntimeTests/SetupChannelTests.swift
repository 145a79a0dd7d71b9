import Glibc
@testable import OCIRuntime
import Testing

struct SetupChannelTests {
    @Test func aFailureArrivesAsItWasThrown() {
        for code in RuntimeError.Code.allCases {
            let error = RuntimeError(code, "exec: \"a b\": no such file\nsecond line", errno: ENOENT)
            guard case .failed(let back)? = SetupChannel.decode(SetupChannel.encode(.failed(error))) else {
                Issue.record("\(code) was not understood")
                continue
            }
            #expect(back == error)
        }
    }

    @Test func anythingElseIsNoMessage() {
        for bytes in [
            [], [0], Array("E".utf8), Array("Ex y z".utf8), Array("EsetupFailed x z".utf8), [255, 1],
        ] {
            #expect(SetupChannel.decode(bytes) == nil)
        }
        for _ in 0..<2000 {
            _ = SetupChannel.decode((0..<Int.random(in: 0..<20)).map { _ in UInt8.random(in: 0...255) })
        }
    }

    @Test func onlyAMissingProgramAndOneThatCannotRunHaveStatusesOfTheirOwn() {
        #expect(RuntimeError(.executableNotFound, "").exitStatus == 127)
        #expect(RuntimeError(.executableNotRunnable, "").exitStatus == 126)
        #expect(RuntimeError(.setupFailed, "").exitStatus == 125)
    }
}
