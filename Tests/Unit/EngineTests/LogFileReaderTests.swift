import Glibc
import LinuxKernel
import Logging
import OCIModel
import Testing

@testable import Engine

@Suite struct LogFileReaderTests {
    /// A folder of its own with one log.
    final class Log {
        let folder: String
        var path: String { folder + "/c-json.log" }

        init() throws {
            var template = Array("/tmp/skiff-log-XXXXXX".utf8CString)
            folder = String(cString: try #require(mkdtemp(&template)))
        }

        deinit {
            for number in 0..<10 { unlink(number == 0 ? path : "\(path).\(number)") }
            rmdir(folder)
        }

        func write(_ numbers: Range<Int>, to name: String? = nil) throws {
            let file = try openFile(name ?? path, O_WRONLY | O_CREAT | O_APPEND)
            for number in numbers { try writeAll(file.rawValue, Array(Self.line(number).utf8)) }
        }

        func rotate() {
            for number in stride(from: 8, through: 1, by: -1) {
                rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            rename(path, path + ".1")
        }

        static func line(_ number: Int) -> String {
            let stream = number % 2 == 0 ? "stdout" : "stderr"
            return
                #"{"log":"line \#(number)\n","stream":"\#(stream)","time":"2026-01-02T03:04:05.000000\#(100 + number)Z"}"#
                + "\n"
        }

        static func number(_ entry: LogEntry) -> Int? {
            Int(String(decoding: entry.bytes, as: UTF8.self).dropFirst(5).dropLast())
        }
    }

    private func drain(_ reader: inout LogFileReader) throws -> [Int] {
        var numbers: [Int] = []
        while true {
            let batch = try reader.nextBatch()
            if batch.isEmpty { return numbers }
            numbers += batch.compactMap(Log.number)
        }
    }

    @Test func recordsOfRotatedFilesComeInTheOrderOfWriting() throws {
        let log = try Log()
        for start in stride(from: 0, to: 30, by: 10) {
            try log.write(start..<start + 10)
            if start < 20 { log.rotate() }
        }
        var reader = try LogFileReader(path: log.path, tail: nil)
        #expect(try drain(&reader) == Array(0..<30))
    }

    @Test(arguments: [0, 1, 9, 10, 11, 25, 30, 99])
    func tailGivesTheLastRecordsAcrossFiles(count: Int) throws {
        let log = try Log()
        for start in stride(from: 0, to: 30, by: 10) {
            try log.write(start..<start + 10)
            if start < 20 { log.rotate() }
        }
        var reader = try LogFileReader(path: log.path, tail: count)
        #expect(try drain(&reader) == Array(max(0, 30 - count)..<30))
    }

    @Test func followingOverRotationsNeitherLosesNorDoublesARecord() throws {
        let log = try Log()
        var reader = try LogFileReader(path: log.path, tail: nil)
        var seen: [Int] = []
        var generator = SystemRandomNumberGenerator()
        var written = 0
        for _ in 0..<200 {
            let count = Int.random(in: 0..<5, using: &generator)
            try log.write(written..<written + count)
            written += count
            if Int.random(in: 0..<4, using: &generator) == 0 { seen += try drain(&reader) }
            // At most three rotations between two looks: more would drop files that nobody has read.
            if Int.random(in: 0..<12, using: &generator) == 0, fileExists(log.path) {
                log.rotate()
                seen += try drain(&reader)
            }
        }
        seen += try drain(&reader)
        #expect(seen == Array(0..<written))
    }

    @Test func aRecordThatIsWrittenInTwoPiecesIsReadOnce() throws {
        let log = try Log()
        let line = Array(Log.line(7).utf8)
        let file = try openFile(log.path, O_WRONLY | O_CREAT | O_APPEND)
        try writeAll(file.rawValue, line[..<20])
        var reader = try LogFileReader(path: log.path, tail: nil)
        #expect(try drain(&reader) == [])
        try writeAll(file.rawValue, line[20...])
        #expect(try drain(&reader) == [7])
    }

    @Test func linesThatAreNoRecordsAreCountedAndPassedOver() throws {
        let log = try Log()
        try log.write(0..<1)
        let file = try openFile(log.path, O_WRONLY | O_APPEND)
        try writeAll(file.rawValue, Array("garbage\n{\"log\":1}\n".utf8))
        try log.write(1..<2)
        var reader = try LogFileReader(path: log.path, tail: nil)
        #expect(try drain(&reader) == [0, 1])
        #expect(reader.skippedLines == 2)
    }
}

@Suite struct LogCursorTests {
    private func cursor(
        _ log: LogFileReaderTests.Log, _ change: (inout LogOptions) -> Void, ended: OneShot<Void>
    )
        async throws -> LogCursor
    {
        var options = LogOptions()
        change(&options)
        return try await LogCursor(
            path: log.path, options: options, pool: BlockingPool(), reactor: try Reactor(),
            logger: .init(label: "test"), ended: { try await ended.wait() })
    }

    @Test func followEndsWithWhatWasWrittenBeforeTheEnd() async throws {
        let log = try LogFileReaderTests.Log()
        try log.write(0..<3)
        let ended = OneShot<Void>()
        let cursor = try await cursor(log, { $0.follow = true }, ended: ended)
        var numbers: [Int] = []
        while let entries = try await cursor.next() {
            numbers += entries.compactMap(LogFileReaderTests.Log.number)
            if numbers.count == 3 {
                try log.write(3..<6)
            } else if numbers.count == 6 {
                try log.write(6..<8)
                ended.fulfil(())
            }
        }
        #expect(numbers == Array(0..<8))
    }

    @Test func streamsAndTimesSelectEntriesAfterTheTail() async throws {
        let log = try LogFileReaderTests.Log()
        try log.write(0..<20)
        let since = try #require(Timestamp(rfc3339: "2026-01-02T03:04:05.000000112Z"))
        let cursor = try await cursor(
            log,
            { options in
                options.tail = 10
                options.standardError = false
                options.since = since
                options.until = Timestamp(seconds: since.seconds, nanoseconds: since.nanoseconds + 4)
            }, ended: OneShot())
        var numbers: [Int] = []
        while let entries = try await cursor.next() {
            numbers += entries.compactMap(LogFileReaderTests.Log.number)
        }
        #expect(numbers == [12, 14, 16])
    }
}
