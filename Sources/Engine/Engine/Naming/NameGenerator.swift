/// Names for containers that are made without one: an adjective and a seafarer, boat builder or oceanographer.
enum NameGenerator {
    private static let adjectives = [
        "able", "ample", "azure", "bold", "brave", "bright", "brisk", "calm", "candid", "clear", "clever",
        "coastal",
        "cool", "cosmic", "crisp", "daring", "deft", "eager", "earnest", "elegant", "fair", "fearless",
        "fleet", "fond",
        "frank", "fresh", "gentle", "glad", "golden", "grand", "happy", "hardy", "hearty", "humble", "jaunty",
        "jolly",
        "keen", "kind", "lively", "lucid", "lucky", "mellow", "merry", "mighty", "nimble", "noble", "open",
        "patient",
        "placid", "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready", "robust", "serene",
        "sharp",
        "silver", "smooth", "snug", "solid", "steady", "sturdy", "sunny", "swift", "tidy", "trusty", "upbeat",
        "vivid",
        "warm", "wise", "witty", "zesty",
    ]

    private static let surnames = [
        "amundsen", "baret", "beaufort", "bering", "bligh", "bowditch", "cabot", "carson", "cook", "cousteau",
        "dampier", "darwin", "diaz", "drake", "earle", "ekman", "ericson", "fitzroy", "forbes", "franklin",
        "frobisher",
        "gama", "gearing", "hanno", "harrison", "hudson", "humboldt", "ibnmajid", "joyon", "knoxjohnston",
        "laperouse",
        "macarthur", "magellan", "maury", "mercator", "moitessier", "nansen", "pytheas", "ross", "sandstrom",
        "scoresby", "shackleton", "slocum", "sverdrup", "tabarly", "tasman", "tharp", "thomson", "vancouver",
        "vespucci", "wegener", "zhenghe",
    ]

    /// - Parameters:
    ///   - attempt: from the second on a number is added, because the plain names may all be taken
    static func name(attempt: Int, using generator: inout some RandomNumberGenerator) -> String {
        let adjective = adjectives.randomElement(using: &generator) ?? "steady"
        let surname = surnames.randomElement(using: &generator) ?? "cook"
        let suffix =
            attempt == 0 ? "" : String(Int.random(in: 0..<(attempt < 5 ? 10 : 1_000_000), using: &generator))
        return "\(adjective)_\(surname)\(suffix)"
    }
}
