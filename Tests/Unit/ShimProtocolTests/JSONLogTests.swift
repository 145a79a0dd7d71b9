import Glibc
import JSONCodec
import LinuxKernel
import OCIModel
import ShimProtocol
import Testing

/// A log in a folder of its own, with a clock that stands still.
private final class LogFixture {
    let folder: String
    let path: String
    private(set) var writer: JSONLogWriter

    init(
        maxSize: Int64? = nil, maxFiles: Int = 1, attributes: [(name: String, value: String)] = [],
        before: String? = nil
    ) throws {
        folder = "/tmp/skiff-log-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        path = "\(folder)/x.log"
        try makeDirectories(folder)
        if let before { try replaceFile(path, Array(before.utf8)) }
        let configuration = LogConfiguration(
            path: path, maxSize: maxSize, maxFiles: maxFiles, attributes: attributes)
        writer = try JSONLogWriter(configuration) {
            Timestamp(seconds: 1_136_214_245, nanoseconds: 120_000_000)
        }
    }

    deinit {
        for number in 0..<20 { unlink(number == 0 ? path : "\(path).\(number)") }
        rmdir(folder)
    }

    func write(_ bytes: [UInt8], _ stream: StandardStream = .output) {
        bytes.withUnsafeBufferPointer { writer.write(stream, $0) }
    }

    func text(_ number: Int = 0) throws -> String {
        String(decoding: try readFile(number == 0 ? path : "\(path).\(number)"), as: UTF8.self)
    }

    /// `log` of every line.
    func texts(_ number: Int = 0) throws -> [String] {
        try text(number).split(separator: "\n").map {
            try #require(JSONValue(parsing: String($0))["log"]?.stringValue)
        }
    }
}

@Suite struct JSONLogTests {
    @Test func linesAreDockers() throws {
        let log = try LogFixture()
        log.write(Array("hello\n".utf8))
        log.write(Array("oops\n".utf8), .error)
        let expected = #"""
            {"log":"hello\n","stream":"stdout","time":"2006-01-02T15:04:05.12Z"}
            {"log":"oops\n","stream":"stderr","time":"2006-01-02T15:04:05.12Z"}

            """#
        #expect(try log.text() == expected)
    }

    @Test func attributesStandBetweenStreamAndTimeInOrderOfName() throws {
        let log = try LogFixture(attributes: [("z", "a\"b"), ("env", "prod")])
        log.write(Array("x\n".utf8))
        let expected =
            #"{"log":"x\n","stream":"stdout","attrs":{"env":"prod","z":"a\"b"},"time":"2006-01-02T15:04:05.12Z"}"#
        #expect(try log.text() == expected + "\n")
    }

    @Test(
        arguments: [
            (Array("\"\\/\r\t\u{8}\u{1}\u{7f}".utf8), #"\"\\/\r\u0009\u0008\u0001"# + "\u{7f}"),
            (Array("<a>&".utf8), #"\u003ca\u003e\u0026"#), (Array("ü€😀".utf8), "ü€😀"),
            (Array("\u{2028}\u{2029}\u{2027}".utf8), #"\u2028\u2029"# + "\u{2027}"),
            ([0x61, 0xFF, 0x62], #"a\ufffdb"#), ([0xC3], #"\ufffd"#),
            ([0xE2, 0x82, 0x41], #"\ufffd\ufffdA"#),
            ([0xED, 0xA0, 0x80], #"\ufffd\ufffd\ufffd"#), ([0xC0, 0x80], #"\ufffd\ufffd"#),
            ([0xF4, 0x90, 0x80, 0x80], #"\ufffd\ufffd\ufffd\ufffd"#),
            ([0xF0, 0x9F, 0x98], #"\ufffd\ufffd\ufffd"#),
        ] as [([UInt8], String)])
    func textIsEscapedAsDockerDoes(bytes: [UInt8], escaped: String) throws {
        let log = try LogFixture()
        log.write(bytes + [0x0A])
        #expect(try log.text().hasPrefix(#"{"log":""# + escaped + #"\n","stream""#))
    }

    @Test(
        arguments: [
            (16383, [16384]), (16384, [16384, 1]), (16385, [16384, 2]), (32768, [16384, 16384, 1]),
            (40000, [16384, 16384, 7233]),
        ] as [(Int, [Int])])
    func longLinesAreCutInto16KiB(length: Int, pieces: [Int]) throws {
        for step in [1000, 16384, 65536] {
            let log = try LogFixture()
            let line = [UInt8](repeating: 0x78, count: length) + [0x0A]
            for start in stride(from: 0, to: line.count, by: step) {
                log.write(Array(line[start..<min(line.count, start + step)]))
            }
            #expect(try log.texts().map(\.utf8.count) == pieces)
            #expect(try log.texts().joined().utf8.elementsEqual(line))
        }
    }

    @Test(arguments: 1...30) func everyByteArrivesHoweverItIsSplit(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let log = try LogFixture(maxSize: 3000, maxFiles: 15)
        var expected: [StandardStream: [UInt8]] = [.output: [], .error: []]
        for _ in 0..<60 {
            let stream = StandardStream.allCases.randomElement(using: &random) ?? .output
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                Int.random(in: 0..<20, using: &random) == 0
                    ? 0x0A : UInt8.random(in: 0x20...0x7E, using: &random)
            }
            expected[stream]?.append(contentsOf: bytes)
            log.write(bytes, stream)
        }
        for stream in StandardStream.allCases { log.writer.finish(stream) }
        var found: [StandardStream: String] = [.output: "", .error: ""]
        for number in stride(from: log.writer.rotations, through: 0, by: -1) {
            for line in try log.text(number).split(separator: "\n") {
                let value = try JSONValue(parsing: String(line))
                let stream: StandardStream = value["stream"]?.stringValue == "stdout" ? .output : .error
                found[stream]?.append(try #require(value["log"]?.stringValue))
            }
        }
        for stream in StandardStream.allCases {
            #expect(found[stream] == expected[stream].map { String(decoding: $0, as: UTF8.self) })
        }
    }

    @Test func unfinishedLastLineIsWrittenAtTheEnd() throws {
        let log = try LogFixture()
        log.write(Array("a\nrest".utf8))
        #expect(try log.texts() == ["a\n"])
        #expect(log.writer.unfinishedLine(.output) == Array("rest".utf8))
        log.writer.finish(.output)
        #expect(try log.texts() == ["a\n", "rest"])
    }

    @Test func filesMoveOnWhenOneIsFullAndTheOldestGoes() throws {
        let log = try LogFixture(maxSize: 100, maxFiles: 3)
        for number in 0..<10 { log.write(Array("line \(number)\n".utf8)) }
        // Each line has 67 bytes: a file is full after two.
        #expect(try log.texts(2) == ["line 4\n", "line 5\n"])
        #expect(try log.texts(1) == ["line 6\n", "line 7\n"])
        #expect(try log.texts() == ["line 8\n", "line 9\n"])
        #expect(!fileExists("\(log.path).3"))
    }

    @Test func oneFileIsBegunAnew() throws {
        let log = try LogFixture(maxSize: 100, maxFiles: 1)
        for number in 0..<5 { log.write(Array("line \(number)\n".utf8)) }
        #expect(try log.texts() == ["line 4\n"])
        #expect(!fileExists("\(log.path).1"))
    }

    @Test func lineThatAPowerCutLeftIsNotGluedToTheNext() throws {
        let log = try LogFixture(before: #"{"log":"to"#)
        log.write(Array("new\n".utf8))
        #expect(try log.text().hasPrefix(#"{"log":"to"# + "\n" + #"{"log":"new\n""#))
    }

    @Test func fileThatSomebodyTruncatedIsFilledAgain() throws {
        let log = try LogFixture(maxSize: 100, maxFiles: 3)
        log.write(Array("one\n".utf8))
        truncate(log.path, 0)
        log.write(Array("two\n".utf8))
        log.write(Array("three\n".utf8))
        #expect(log.writer.rotations == 0)
    }

    @Test func missingFolderIsAnErrorThatNamesTheFile() {
        let error = #expect(throws: ShimError.self) {
            try JSONLogWriter(LogConfiguration(path: "/nonexistent/x.log"))
        }
        #expect(error?.message.contains("/nonexistent/x.log") == true)
    }
}
