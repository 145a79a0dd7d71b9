import JSONCodec
import Testing

@Suite struct JSONValueTests {
    @Test(arguments: [
        "{}", "[]", #"{"b":1,"a":[true,false,null,-3,18446744073709551615,1.5,"x\"\\\n"]}"#, #""""#, "0",
    ])
    func writingWhatWasParsedGivesTheSameText(text: String) throws {
        #expect(try JSONValue(parsing: text).text() == text)
    }

    @Test(arguments: [
        "", "{", "[1,]", #"{"a":1,}"#, #"{"a" 1}"#, "01", "1.", "-", "nul", #""\x""#, "\"\u{1}\"", "[1] 2",
        "+1",
        #"{1:2}"#, String(repeating: "[", count: 600),
    ])
    func textThatIsNoJSONIsRefused(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
    }

    @Test func surrogatePairsBecomeOneScalarAndLoneOnesTheReplacement() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00\ud83dx""#) == .string("😀\u{FFFD}x"))
    }

    @Test func largeObjectsKeepOrderAndFindKeys() {
        var object = JSONObject()
        for index in 0..<100 { object["k\(index)"] = .integer(Int64(index)) }
        object["k50"] = nil
        #expect(object.keys.first == "k0" && object.keys.last == "k99" && object.count == 99)
        #expect(object["k51"] == 51 && object["k50"] == nil)
    }

    @Test func codableRoundTripKeepsMembersInOrder() throws {
        struct Inner: Codable, Equatable { var names: [String]; var limit: UInt64 }
        struct Outer: Codable, Equatable { var z: Int; var a: Inner?; var map: [String: [Int]] }
        let value = Outer(z: 1, a: Inner(names: ["x"], limit: .max), map: ["k": [1, 2]])
        let json = try JSONValue(encoding: value)
        #expect(json.text() == #"{"z":1,"a":{"names":["x"],"limit":18446744073709551615},"map":{"k":[1,2]}}"#)
        #expect(try json.decode(Outer.self) == value)
    }

    @Test func decodingMatchesKeysIgnoringCaseAndNamesTheWrongMember() throws {
        struct Body: Codable { var Image: String; var Size: Int? }
        #expect(try JSONValue(parsing: #"{"image":"x","size":null}"#).decode(Body.self).Image == "x")
        let error = #expect(throws: DecodingError.self) {
            try JSONValue(parsing: #"{"Image":"x","Size":"big"}"#).decode(Body.self)
        }
        #expect(error?.summary == "Size: expected an integer of 64 bits")
    }
}
