import ShimProtocol
import Testing

@Suite struct DetachKeysTests {
    @Test(
        arguments: [
            ("ctrl-p,ctrl-q", [16, 17]), ("", []), ("a,ctrl-a", [97, 1]), ("ctrl-@", [0]),
            ("ctrl-[,ctrl-_", [27, 31]),
            ("ctrl-\\", [28]),
        ] as [(String, [UInt8])])
    func sequencesAreReadAsDockerWritesThem(text: String, keys: [UInt8]) throws {
        #expect(try DetachKeys.parse(text) == keys)
    }

    @Test(arguments: ["ctrl-", "ctrl-A", "shift-a", "ab", "a,,b", ",", "ctrl-p,"])
    func otherTextsAreRefused(text: String) {
        #expect(throws: ShimError.self) { try DetachKeys.parse(text) }
    }

    @Test func sequenceDetachesHoweverItIsSplit() {
        var matcher = DetachKeyMatcher([16, 17])
        #expect(matcher.feed([1, 16]) == ([1], false))
        #expect(matcher.feed([17, 5]) == ([], true))
    }

    @Test func brokenSequenceIsForwarded() {
        var matcher = DetachKeyMatcher([16, 17])
        #expect(matcher.feed([16]) == ([], false))
        #expect(matcher.feed([65, 16, 16]) == ([16, 65, 16], false))
        #expect(matcher.feed([17]) == ([], true))
    }

    @Test func whatIsHeldBackCanBeFlushed() {
        var matcher = DetachKeyMatcher([1, 2, 3])
        #expect(matcher.feed([1, 2]) == ([], false))
        #expect(matcher.flush() == [1, 2])
        #expect(matcher.feed([3]) == ([3], false))
    }

    @Test func repeatedBeginningsAreFound() {
        var matcher = DetachKeyMatcher([1, 1, 2])
        #expect(matcher.feed([1, 1, 1, 2]) == ([1], true))
    }

    @Test(arguments: 1...100) func matcherAgreesWithASearch(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let keys = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            UInt8.random(in: 0...1, using: &random)
        }
        let input = (0..<30).map { _ in UInt8.random(in: 0...2, using: &random) }
        var matcher = DetachKeyMatcher(keys)
        var forwarded: [UInt8] = []
        var found = false
        var offset = 0
        while offset < input.count, !found {
            let end = min(input.count, offset + Int.random(in: 1...5, using: &random))
            let (forward, detached) = matcher.feed(input[offset..<end])
            forwarded += forward
            found = detached
            offset = end
        }
        let first = (0...(input.count - keys.count)).first { input[$0..<$0 + keys.count].elementsEqual(keys) }
        #expect(found == (first != nil))
        #expect(forwarded + (found ? [] : matcher.flush()) == Array(input[..<(first ?? input.count)]))
    }
}
