import JSONCodec
import Testing

@Suite struct NestedContainerTests {
    private enum Shape: Codable, Equatable {
        case point
        case circle(radius: Double)
        case several([Shape], name: String?)
    }

    private struct Drawing: Codable, Equatable {
        var shapes: [Shape]
        var background: Shape?
    }

    @Test func enumerationsWithValuesSurvive() throws {
        let drawing = Drawing(
            shapes: [
                .point, .circle(radius: 2),
                .several([.circle(radius: 1), .several([], name: nil)], name: "x"),
            ],
            background: .circle(radius: 0.5))
        let text = try JSONValue(encoding: drawing).text()
        #expect(try JSONValue(parsing: text).decode(Drawing.self) == drawing)
        #expect(text.contains(#"{"circle":{"radius":2}}"#) && text.contains(#"{"point":{}}"#))
    }

    private struct Manual: Encodable {
        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            var inner = container.nestedContainer(keyedBy: Key.self)
            try container.encode(7)
            try inner.encode(1, forKey: .a)
            var list = inner.nestedUnkeyedContainer(forKey: .b)
            try list.encode("x")
            try inner.encode(true, forKey: .c)
        }

        enum Key: String, CodingKey { case a, b, c }
    }

    @Test func nestedContainersMayBeFilledInAnyOrder() throws {
        #expect(try JSONValue(encoding: Manual()).text() == #"[{"a":1,"b":["x"],"c":true},7]"#)
    }
}
