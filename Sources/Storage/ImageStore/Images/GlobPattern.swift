/// A pattern of Go's `path.Match`: `*` and `?` do not cross a slash, `[a-z]` and `[^a-z]` are classes, `\` quotes.
struct GlobPattern {
    private let pattern: [Character]

    /// - Throws: `ImageError` where a class is not closed or a quote ends the pattern
    init(_ text: String) throws(ImageError) {
        pattern = Array(text)
        var index = 0
        while index < pattern.count {
            let isClass = pattern[index] == "["
            if pattern[index] == "\\" { index += 1 }
            if isClass {
                index += 1
                let start = index
                while index < pattern.count, pattern[index] != "]" || index == start {
                    index += pattern[index] == "\\" ? 2 : 1
                }
            }
            guard index < pattern.count else {
                throw ImageError(
                    .invalidArgument, "invalid reference filter \"\(text)\": syntax error in pattern")
            }
            index += 1
        }
    }

    func matches(_ text: String) -> Bool { matches(pattern[...], Array(text)[...]) }

    private func matches(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        var pattern = pattern
        var text = text
        while let first = pattern.first {
            switch first {
            case "*":
                pattern = pattern.dropFirst()
                while true {
                    if matches(pattern, text) { return true }
                    guard let next = text.first, next != "/" else { return false }
                    text = text.dropFirst()
                }
            case "?":
                guard let next = text.first, next != "/" else { return false }
                (pattern, text) = (pattern.dropFirst(), text.dropFirst())
            case "[":
                guard let next = text.first, let rest = Self.classMatches(pattern.dropFirst(), next) else {
                    return false
                }
                (pattern, text) = (rest, text.dropFirst())
            default:
                let literal = first == "\\" ? pattern.dropFirst() : pattern
                guard let wanted = literal.first, wanted == text.first else { return false }
                (pattern, text) = (literal.dropFirst(), text.dropFirst())
            }
        }
        return text.isEmpty
    }

    /// - Returns: the pattern behind the class where the class holds the character
    private static func classMatches(_ pattern: ArraySlice<Character>, _ character: Character) -> ArraySlice<
        Character
    >? {
        var pattern = pattern
        let isNegated = pattern.first == "^"
        if isNegated { pattern = pattern.dropFirst() }
        var found = false
        var isFirst = true
        func take() -> Character? {
            if pattern.first == "\\" { pattern = pattern.dropFirst() }
            return pattern.popFirst()
        }
        while let next = pattern.first, next != "]" || isFirst {
            isFirst = false
            guard let low = take() else { return nil }
            var high = low
            if pattern.first == "-", pattern.dropFirst().first != "]" {
                pattern = pattern.dropFirst()
                guard let end = take() else { return nil }
                high = end
            }
            if low <= character, character <= high { found = true }
        }
        guard pattern.popFirst() == "]" else { return nil }
        return found != isNegated && character != "/" ? pattern : nil
    }
}
