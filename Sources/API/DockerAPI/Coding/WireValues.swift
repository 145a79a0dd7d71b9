/// An object without members, as in `{"80/tcp": {}}`. Members that come are ignored.
package struct EmptyObject: WireType {
    package init() {}

    package init(from decoder: any Decoder) throws {
        if try decoder.singleValueContainer().decodeNil() { return }
        _ = try decoder.container(keyedBy: NoKey.self)
    }

    package func encode(to encoder: any Encoder) throws { _ = encoder.container(keyedBy: NoKey.self) }

    private enum NoKey: CodingKey {}
}

/// A command and its arguments; one string is read as one argument.
package struct CommandLine: Codable, Sendable, Equatable, ExpressibleByArrayLiteral {
    package var arguments: [String]

    package init(_ arguments: [String]) { self.arguments = arguments }
    package init(arrayLiteral elements: String...) { arguments = elements }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            arguments = [text]
        } else {
            arguments = try container.decode([String].self)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(arguments)
    }
}

/// A member that a version of the API either does not know (nil itself) or writes, be it as null.
package struct NullableValue<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    package var value: Value?

    package init(_ value: Value?) { self.value = value }

    package init(from decoder: any Decoder) throws { value = try Value?(from: decoder) }
    package func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
