import Glibc

/// A moment in UTC with nanoseconds.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z, not counting leap seconds.
    package let seconds: Int64
    /// 0 to 999,999,999.
    package let nanoseconds: Int32

    package init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// What Go's zero time is: 0001-01-01T00:00:00Z. Docker writes it for "never".
    package static let zero = Timestamp(seconds: -62_135_596_800)

    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    package static func < (a: Timestamp, b: Timestamp) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }

    /// Nanoseconds since 1970; saturates outside of 1677 to 2262.
    package var totalNanoseconds: Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(Int64(nanoseconds))
        return carried ? .max : sum
    }

    package init(totalNanoseconds: Int64) {
        let (quotient, remainder) = totalNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(
            seconds: remainder < 0 ? quotient - 1 : quotient,
            nanoseconds: Int32(remainder < 0 ? remainder + 1_000_000_000 : remainder))
    }
}

extension Timestamp {
    /// Year, month (1–12), day (1–31), hour, minute, second in UTC (proleptic Gregorian calendar).
    package var civil: (year: Int64, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let rest = Int(seconds - days * 86400)
        // Howard Hinnant's civil_from_days: eras of 400 years that begin on 1 March.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * month + 2) / 5 + 1)
        let civilMonth = Int(month < 10 ? month + 3 : month - 9)
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        return (year, civilMonth, day, rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// The moment at a civil date and time in UTC; fields are not range-checked.
    package init(
        year: Int64, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
        nanoseconds: Int32 = 0
    ) {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        self.init(seconds: days * 86400 + Int64(hour * 3600 + minute * 60 + second), nanoseconds: nanoseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 with as many fractional digits as needed, as Go's `time.RFC3339Nano`.
    package var description: String { rfc3339(fixedWidth: false) }

    /// RFC 3339 in UTC.
    /// - Parameter fixedWidth: always nine fractional digits, as `docker logs -t` prints; else trailing zeros go
    package func rfc3339(fixedWidth: Bool) -> String {
        let civil = civil
        var text = Self.padded(Int(civil.year), 4) + "-" + Self.padded(civil.month, 2)
        text += "-" + Self.padded(civil.day, 2) + "T" + Self.padded(civil.hour, 2)
        text += ":" + Self.padded(civil.minute, 2) + ":" + Self.padded(civil.second, 2)
        if fixedWidth || nanoseconds != 0 {
            var digits = Self.padded(Int(nanoseconds), 9)
            while !fixedWidth, digits.hasSuffix("0") { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Parses RFC 3339 with `Z` or a numeric zone, with or without a fraction; nil where the text is none.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ length: Int) -> Int? {
            guard start + length <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[start..<start + length] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        func mark(_ position: Int, _ allowed: String) -> Bool {
            position < bytes.count && allowed.utf8.contains(bytes[position])
        }
        guard let year = number(0, 4), mark(4, "-"), let month = number(5, 2), (1...12).contains(month),
            mark(7, "-"), let day = number(8, 2), (1...31).contains(day), mark(10, "Tt "),
            let hour = number(11, 2), hour < 24, mark(13, ":"), let minute = number(14, 2), minute < 60,
            mark(16, ":"), let second = number(17, 2), second < 61
        else { return nil }
        var position = 19
        var nanoseconds = 0
        if mark(position, ".") {
            position += 1
            let start = position
            while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
                if position - start < 9 { nanoseconds = nanoseconds * 10 + Int(bytes[position] - 0x30) }
                position += 1
            }
            guard position > start else { return nil }
            for _ in min(position - start, 9)..<9 { nanoseconds *= 10 }
        }
        var offset = 0
        if mark(position, "Zz") {
            position += 1
        } else if mark(position, "+-"), let hours = number(position + 1, 2), mark(position + 3, ":"),
            let minutes = number(position + 4, 2)
        {
            offset = (hours * 3600 + minutes * 60) * (bytes[position] == UInt8(ascii: "-") ? -1 : 1)
            position += 6
        } else {
            return nil
        }
        guard position == bytes.count else { return nil }
        let civil = Timestamp(
            year: Int64(year), month: month, day: day, hour: hour, minute: minute, second: second)
        self.init(seconds: civil.seconds - Int64(offset), nanoseconds: Int32(nanoseconds))
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Timestamp(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not an RFC 3339 time: \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
