import Testing

@testable import RegistryServer

@Suite struct RepositoryNameTests {
    @Test(arguments: ["a", "library/debian", "a.b_c__d---e/f0/9", String(repeating: "a", count: 255)])
    func namesOfTheGrammarAreTaken(text: String) { #expect(RepositoryName(text)?.description == text) }

    @Test(arguments: [
        "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "-a", "a-", "_a", "a._b", "a b", "a:b", "..",
        "a/../b", "ä",
        "a\u{0}b", String(repeating: "a", count: 256),
    ])
    func othersAreRefused(text: String) { #expect(RepositoryName(text) == nil) }
}
