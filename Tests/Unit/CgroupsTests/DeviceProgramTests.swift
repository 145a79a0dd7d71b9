@testable import Cgroups
import OCIModel
import Testing

/// The program, run by a small interpreter of the instructions that it uses, against a plain reading of the rules.
struct DeviceProgramTests {
    private func run(_ program: [UInt8], type: UInt64, access: UInt64, major: UInt64, minor: UInt64)
        -> UInt64?
    {
        var registers = [UInt64](repeating: 0, count: 11)
        let context: [Int16: UInt64] = [0: access << 16 | type, 4: major, 8: minor]
        var counter = 0
        for _ in 0..<10_000 {
            guard counter * 8 + 8 <= program.count else { return nil }
            let bytes = Array(program[(counter * 8)..<(counter * 8 + 8)])
            let target = Int(bytes[1] & 15)
            let source = Int(bytes[1] >> 4)
            let offset = Int16(bitPattern: UInt16(bytes[2]) | UInt16(bytes[3]) << 8)
            let raw =
                UInt32(bytes[4]) | UInt32(bytes[5]) << 8 | UInt32(bytes[6]) << 16 | UInt32(bytes[7]) << 24
            counter += 1
            switch bytes[0] {
            case 0x61: registers[target] = context[offset] ?? 0
            case 0x54: registers[target] = registers[target] & UInt64(raw)
            case 0x74: registers[target] = (registers[target] & 0xFFFF_FFFF) >> UInt64(raw)
            case 0xBC: registers[target] = registers[source]
            case 0xB7: registers[target] = UInt64(raw)
            case 0x55: if registers[target] != UInt64(raw) { counter += Int(offset) }
            case 0x15: if registers[target] == UInt64(raw) { counter += Int(offset) }
            case 0x95: return registers[0]
            default: return nil
            }
        }
        return nil
    }

    /// Each right by the last rule that matches and has it.
    private func allows(
        _ rules: [RuntimeDeviceRule], _ type: String, _ access: String, _ major: Int64, _ minor: Int64
    ) -> Bool {
        access.allSatisfy { right in
            let decisive = rules.last {
                ($0.type == "a" || $0.type == type) && ($0.major ?? major) == major
                    && ($0.minor ?? minor) == minor
                    && $0.access.contains(right)
            }
            return decisive?.allow ?? false
        }
    }

    @Test func randomRulesMeanTheSameAsTheirList() {
        let accesses = ["r", "w", "m", "rw", "rm", "wm", "rwm"]
        for _ in 0..<400 {
            let rules = (0..<Int.random(in: 0..<8)).map { _ in
                RuntimeDeviceRule(
                    allow: .random(), type: ["a", "b", "c"].randomElement() ?? "a",
                    major: [nil, 1, 2].randomElement() ?? nil, minor: [nil, 3, 4].randomElement() ?? nil,
                    access: accesses.randomElement() ?? "r")
            }
            let program = DeviceProgram(rules).instructions
            for type in ["b", "c"] {
                for (index, access) in accesses.enumerated() {
                    let bits: [UInt64] = [2, 4, 1, 6, 3, 5, 7]
                    for (major, minor) in [(1, 3), (1, 4), (2, 3), (9, 9)] as [(Int64, Int64)] {
                        let result = run(
                            program, type: type == "b" ? 1 : 2, access: bits[index], major: UInt64(major),
                            minor: UInt64(minor))
                        #expect(result == (allows(rules, type, access, major, minor) ? 1 : 0), "\(rules)")
                    }
                }
            }
        }
    }
}
