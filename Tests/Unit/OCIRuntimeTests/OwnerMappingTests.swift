import OCIModel
@testable import OCIRuntime
import Testing

struct OwnerMappingTests {
    private func shown(_ id: UInt32, _ mapping: [RuntimeIDMapping]) -> UInt32? {
        mapping.first { id >= $0.containerID && id - $0.containerID < $0.size }.map {
            $0.hostID + (id - $0.containerID)
        }
    }

    @Test(
        arguments: [(1000, 0), (0, 1000), (5, 6), (6, 5), (0, 1), (UInt32.max - 1, 0)] as [(UInt32, UInt32)])
    func theOwnerIsTheUserAndNobodyElseIs(_ owner: UInt32, _ user: UInt32) {
        let mapping = OwnerMapping.mapping(from: owner, to: user)
        #expect(shown(owner, mapping) == user)
        // What is the user's own on the disk is nobody's, and so nobody can make it.
        #expect(shown(user, mapping) == nil)
        for id in [7, 999, 1001, 65_534, 100_000] as [UInt32] where id != owner && id != user {
            #expect(shown(id, mapping) == id)
        }
        let targets = mapping.map { $0.hostID..<($0.hostID + $0.size) }.sorted {
            $0.lowerBound < $1.lowerBound
        }
        for (one, next) in zip(targets, targets.dropFirst()) {
            #expect(one.upperBound <= next.lowerBound, "the kernel takes no overlap")
        }
        #expect(mapping.allSatisfy { $0.size > 0 } && mapping.count <= 340)
    }

    @Test func oneAndTheSameNeedsNothing() {
        #expect(OwnerMapping.mapping(from: 3, to: 3).count == 1)
    }
}
