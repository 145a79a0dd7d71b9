/// Decimal notation with a given number of digits, exactly rounded (half to even, as Go).
package enum FixedPoint {
    package static func text(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return GoPrinter.float(value) }
        let (whole, fraction) = exact(value.magnitude)
        var number = whole + fraction.prefix(digits)
        let rest = fraction.dropFirst(digits)
        number += Array(repeating: 0, count: max(0, digits - fraction.count))
        if roundsUp(rest, last: number.last ?? 0) { increment(&number) }
        var text = number.map { String($0) }.joined()
        if text.count <= digits { text = String(repeating: "0", count: digits + 1 - text.count) + text }
        let sign = value.sign == .minus ? "-" : ""
        return digits == 0 ? sign + text : sign + text.dropLast(digits) + "." + text.suffix(digits)
    }

    package static func scientific(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return GoPrinter.float(value) }
        let (whole, fraction) = exact(value.magnitude)
        let all = whole + fraction
        let sign = value.sign == .minus ? "-" : ""
        guard let first = all.firstIndex(where: { $0 != 0 }) else {
            return sign + "0" + (digits > 0 ? "." + String(repeating: "0", count: digits) : "") + "e+00"
        }
        var exponent = whole.count - 1 - first
        var number = Array(all[first...].prefix(digits + 1))
        let rest = all[first...].dropFirst(digits + 1)
        number += Array(repeating: 0, count: digits + 1 - number.count)
        if roundsUp(rest, last: number.last ?? 0) {
            increment(&number)
            if number.count > digits + 1 {
                number.removeLast()
                exponent += 1
            }
        }
        let text = number.map { String($0) }.joined()
        let mantissa = digits > 0 ? text.prefix(1) + "." + text.dropFirst() : text[...]
        let magnitude = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
        return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + magnitude
    }

    private static func roundsUp(_ rest: ArraySlice<UInt8>, last: UInt8) -> Bool {
        guard let first = rest.first else { return false }
        if first != 5 { return first > 5 }
        return rest.dropFirst().contains { $0 != 0 } || last % 2 == 1
    }

    private static func increment(_ digits: inout [UInt8]) {
        for index in digits.indices.reversed() {
            if digits[index] < 9 {
                digits[index] += 1
                return
            }
            digits[index] = 0
        }
        digits.insert(1, at: 0)
    }

    /// All decimal digits of a number, before and behind the point.
    private static func exact(_ value: Double) -> (whole: [UInt8], fraction: [UInt8]) {
        if value == 0 { return ([0], []) }
        var whole: [UInt8] = [0]
        let integral = value.rounded(.down)
        let exponent = Int(integral.exponent)
        if integral > 0 {
            for bit in 0...exponent {
                let scaled = (integral / Double(sign: .plus, exponent: exponent - bit, significand: 1))
                    .rounded(.down)
                double(&whole, plus: scaled.truncatingRemainder(dividingBy: 2) == 1 ? 1 : 0)
            }
        }
        return (whole, fractionDigits(value - integral))
    }

    private static func double(_ digits: inout [UInt8], plus: UInt8) {
        var carry = plus
        for index in digits.indices.reversed() {
            let value = digits[index] * 2 + carry
            digits[index] = value % 10
            carry = value / 10
        }
        if carry > 0 { digits.insert(carry, at: 0) }
    }

    /// The digits of a number below 1: its bits, last first, each halving what follows it.
    private static func fractionDigits(_ value: Double) -> [UInt8] {
        var bits: [Bool] = []
        var rest = value
        while rest > 0, bits.count < 1100 {
            rest *= 2
            bits.append(rest >= 1)
            if rest >= 1 { rest -= 1 }
        }
        var digits: [UInt8] = []
        for bit in bits.reversed() {
            if digits.isEmpty { digits = [0] }
            digits[0] = bit ? 1 : 0
            halve(&digits)
        }
        return Array(digits.dropFirst())
    }

    /// Divides by two a number with one digit before the point.
    private static func halve(_ digits: inout [UInt8]) {
        var remainder: UInt8 = 0
        for index in digits.indices {
            let value = digits[index] + remainder * 10
            digits[index] = value / 2
            remainder = value % 2
        }
        if remainder > 0 { digits.append(5) }
    }
}
