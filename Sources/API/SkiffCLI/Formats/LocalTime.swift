import Glibc
import OCIModel

/// Times in the zone of this machine.
enum LocalTime {
    private static func fields(_ seconds: Int64) -> tm {
        var time = time_t(seconds)
        var fields = tm()
        localtime_r(&time, &fields)
        return fields
    }

    /// Go's `Time.String`: `2026-11-21 04:29:10 +0000 UTC`, with a fraction where there is one.
    static func goString(_ moment: Timestamp) -> String {
        let fields = fields(moment.seconds)
        let zone = fields.tm_zone.map { String(cString: $0) } ?? "UTC"
        return date(fields) + " " + clock(fields) + fraction(moment.nanoseconds, trimmed: true) + " "
            + offset(fields.tm_gmtoff, colon: false) + " " + zone
    }

    /// RFC 3339 in local time with nine fractional digits, as `docker events` prints.
    static func rfc3339Nano(_ moment: Timestamp) -> String {
        let fields = fields(moment.seconds)
        return date(fields) + "T" + clock(fields) + fraction(moment.nanoseconds, trimmed: false)
            + zoneSuffix(fields)
    }

    static func rfc3339(_ moment: Timestamp) -> String {
        let fields = fields(moment.seconds)
        return date(fields) + "T" + clock(fields) + zoneSuffix(fields)
    }

    /// `Thu May  7 21:09:36 2026`
    static func ansi(_ moment: Timestamp) -> String {
        let civil = moment.civil
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let dayNumber = (moment.seconds - Int64(civil.hour * 3600 + civil.minute * 60 + civil.second)) / 86400
        let weekday = Int((dayNumber % 7 + 7) % 7)
        let day = civil.day < 10 ? " \(civil.day)" : "\(civil.day)"
        return "\(days[weekday]) \(months[civil.month - 1]) \(day) "
            + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) \(civil.year)"
    }

    private static func date(_ fields: tm) -> String {
        "\(four(Int(fields.tm_year) + 1900))-\(two(Int(fields.tm_mon) + 1))-\(two(Int(fields.tm_mday)))"
    }

    private static func clock(_ fields: tm) -> String {
        "\(two(Int(fields.tm_hour))):\(two(Int(fields.tm_min))):\(two(Int(fields.tm_sec)))"
    }

    private static func zoneSuffix(_ fields: tm) -> String {
        fields.tm_gmtoff == 0 ? "Z" : offset(fields.tm_gmtoff, colon: true)
    }

    private static func offset(_ seconds: Int, colon: Bool) -> String {
        let minutes = abs(seconds) / 60
        return (seconds < 0 ? "-" : "+") + two(minutes / 60) + (colon ? ":" : "") + two(minutes % 60)
    }

    private static func fraction(_ nanoseconds: Int32, trimmed: Bool) -> String {
        if trimmed, nanoseconds == 0 { return "" }
        var digits = String(nanoseconds)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while trimmed, digits.hasSuffix("0") { digits.removeLast() }
        return "." + digits
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func four(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
