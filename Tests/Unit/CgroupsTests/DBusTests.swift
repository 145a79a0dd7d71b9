import Testing

@testable import Cgroups

struct DBusTests {
    private let values: [DBusValue] = [
        .byte(7), .boolean(true), .int32(-5), .uint32(.max), .int64(.min), .uint64(1 << 40), .double(1.5),
        .string("grüß"), .objectPath("/org/a"), .signature("a{sv}"), .strings(["a", "", "bcd"]),
        .array(of: "(sv)", []), .array(of: "t", [.uint64(1), .uint64(2)]),
        .array(of: "(sv)", [.structure([.string("MemoryMax"), .variant(.uint64(1 << 25))])]),
        .array(of: "{sv}", [.dictionaryEntry(.string("k"), .variant(.strings(["x"])))]),
        .structure([.byte(1), .structure([.uint64(2), .string("in")])]), .variant(.variant(.byte(1))),
    ]

    private func call(_ body: [DBusValue]) -> DBusMessage {
        var message = DBusMessage(
            call: "StartTransientUnit", on: "org.freedesktop.systemd1.Manager",
            path: "/org/freedesktop/systemd1",
            to: "org.freedesktop.systemd1", body: body)
        message.serial = 9
        return message
    }

    @Test func everyKindOfValueComesBackFromItsBytes() throws {
        for value in values {
            let bytes = call([.byte(1), value]).bytes()
            #expect(try DBusMessage.length(bytes[...]) == bytes.count)
            #expect(try DBusMessage(bytes[...]).body == [.byte(1), value])
        }
        let all = call(values)
        #expect(try DBusMessage(all.bytes()[...]) == all)
    }

    /// The bytes of a call as the specification lays them out, put together by hand.
    @Test func aMessageHasTheSpecifiedLayout() {
        var message = DBusMessage(kind: .signal)
        message.serial = 1
        message.path = "/a"
        message.body = [.string("hi")]
        let expected: [UInt8] = [
            0x6C, 4, 0, 1, 7, 0, 0, 0, 1, 0, 0, 0,  // 'l', signal, version 1; body 7; serial 1
            23, 0, 0, 0,  // header fields
            1, 1, 0x6F, 0, 2, 0, 0, 0, 0x2F, 0x61, 0, 0, 0, 0, 0, 0,  // path (o) "/a", padded to 8
            8, 1, 0x67, 0, 1, 0x73, 0, 0,  // signature (g) "s", padded to 8
            2, 0, 0, 0, 0x68, 0x69, 0,
        ]
        #expect(message.bytes() == expected)
    }

    @Test func bigEndianMessagesAreRead() throws {
        let bytes: [UInt8] = [
            0x42, 2, 0, 1, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 15, 5, 1, 0x75, 0, 0, 0, 0, 9, 8, 1, 0x67, 0, 1,
            0x75,
            0, 0, 0, 0, 1, 0,
        ]
        let message = try DBusMessage(bytes[...])
        #expect(message.kind == .reply && message.replySerial == 9 && message.body == [.uint32(256)])
    }

    @Test func twoMessagesInOneReadAreToldApart() throws {
        let (first, second) = (call([.string("one")]).bytes(), call([.string("second")]).bytes())
        let both = first + second
        let length = try #require(try DBusMessage.length(both[...]))
        #expect(length == first.count)
        #expect(try DBusMessage(both[length...]).body == [.string("second")])
    }

    @Test(arguments: [
        "a", "(", "()", "{sv}", "a{s}", "a{svv}", "z", "a(", "(s", String(repeating: "a", count: 300),
    ])
    func signaturesThatAreNoneAreRefused(text: String) {
        #expect(DBusSignature.types(text) == nil)
    }

    @Test func nestingHasALimit() {
        let deep = String(repeating: "(", count: 40) + "y" + String(repeating: ")", count: 40)
        #expect(DBusSignature.types(deep) == nil)
    }

    /// Whatever bytes come, reading ends, with a message or an error; and what is read can be written and read again.
    @Test func changedBytesNeverDoMoreThanFail() throws {
        var generator = Generator(state: 20_260_101)
        let original = call(values).bytes()
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            }
            guard let message = try? DBusMessage(bytes[...]) else { continue }
            #expect(message.body.count <= bytes.count)
        }
    }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }
}
