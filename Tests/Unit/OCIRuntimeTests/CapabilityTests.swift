@testable import OCIRuntime
import OCIModel
import Testing

struct CapabilityTests {
    @Test func namesAreTheKernelsNumbers() {
        #expect(CapabilityNames.bit("CAP_CHOWN") == 1)
        #expect(CapabilityNames.bit("sys_admin") == 1 << 21)
        #expect(CapabilityNames.bit("CAP_CHECKPOINT_RESTORE") == 1 << 40)
        #expect(CapabilityNames.bit("CAP_NOPE") == nil)
    }

    @Test func everyNameComesBackFromItsBit() {
        for name in CapabilityNames.all {
            #expect(CapabilityNames.bit(name).map(CapabilityNames.names) == [name])
        }
    }

    @Test func whatTheCallerLacksIsLeftOutAndNothingIsAdded() throws {
        let names = ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_KILL"]
        let request = try CapabilityRequest(
            RuntimeCapabilities(
                bounding: names, effective: names, inheritable: names, permitted: names, ambient: names))
        for _ in 0..<1000 {
            let held = UInt64.random(in: 0...(1 << 41 - 1))
            let given = request.clamped(to: held)
            #expect(given.permitted & ~held == 0 && given.bounding & ~held == 0)
            #expect(given.effective & ~given.permitted == 0)
            #expect(given.ambient & ~(given.permitted & given.inheritable) == 0)
            #expect(given.permitted & ~request.permitted == 0)
        }
    }

    @Test func aTypingErrorIsNoCapability() {
        let error = #expect(throws: RuntimeError.self) {
            try CapabilityNames.set(["CAP_CHOWN", "CAP_CHWON"])
        }
        #expect(error?.code == .invalidSpecification && error?.message == "unknown capability CAP_CHWON")
    }
}
