import Testing

@testable import Engine

@Suite struct ReferenceIndexTests {
    private func index() -> ReferenceIndex<Int> {
        var index = ReferenceIndex<Int>()
        for (number, (id, name)) in [("abc1", "web"), ("abd2", "db"), ("0123", "abc")].enumerated() {
            #expect(index.take(name: name, for: id) == nil)
            index.values[id] = number
        }
        return index
    }

    private func find(_ reference: String) -> Int? {
        if case .one(let value) = index().find(reference) { value } else { nil }
    }

    @Test func anIDWinsOverANameAndANameOverAPrefix() {
        #expect(find("abc1") == 0)
        #expect(find("abc") == 2)
        #expect(find("/web") == 0)
        #expect(find("01") == 2)
    }

    @Test func anAmbiguousPrefixIsNotAnswered() {
        guard case .several = index().find("ab") else { return #expect(Bool(false)) }
        guard case .none = index().find("ff") else { return #expect(Bool(false)) }
        guard case .none = index().find("we") else { return #expect(Bool(false)) }
        guard case .none = index().find("") else { return #expect(Bool(false)) }
    }

    @Test func aNameIsTakenOnceAndReleasedOnlyByItsHolder() {
        var index = index()
        #expect(index.take(name: "web", for: "ffff") == "abc1")
        index.release(name: "web", of: "ffff")
        #expect(index.take(name: "web", for: "ffff") == "abc1")
        index.release(name: "web", of: "abc1")
        #expect(index.take(name: "web", for: "ffff") == nil)
    }

    @Test func containerNamesAreDockers() throws {
        #expect(try ContainerName.checked("/web_1.a-b") == "web_1.a-b")
        for bad in ["", "a", "-web", "we b", "we/b", "wéb"] {
            #expect(throws: EngineError.self) { try ContainerName.checked(bad) }
        }
    }

    @Test func generatedIDsAreHexadecimalAndDiffer() {
        let ids = (0..<100).map { _ in randomID() }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.utf8.count == 64 && $0.utf8.allSatisfy(isHexadecimal) })
    }
}
