/// Why the daemon cannot start as it was told to.
struct OptionError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
