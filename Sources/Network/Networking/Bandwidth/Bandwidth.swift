import Netlink

/// How much an endpoint may send and receive: the driver options `skiff.rate` and `skiff.burst` of a connection. Each
/// direction has the whole of it.
package struct Bandwidth: Sendable, Hashable {
    package static let rateOption = "skiff.rate"
    package static let burstOption = "skiff.burst"

    /// Bytes a second.
    package var rate: UInt64
    /// Bytes that may pass at once after a pause.
    package var burst: UInt32

    /// Bytes: what the kernel hands over at once from a program's large write.
    static let defaultBurst: UInt32 = 64 << 10
    /// A frame has to fit, or nothing would ever pass.
    static let smallestBurst: UInt32 = 2048
    static let slowestRate: UInt64 = 1000

    /// Reads the options of a connection; nil where they ask for no limit.
    /// - Throws: `NetworkError` (`invalidRequest`) naming the option
    package init?(options: [String: String]) throws(NetworkError) {
        guard let text = options[Self.rateOption] else {
            if let burst = options[Self.burstOption] {
                throw NetworkError(
                    .invalidRequest, "\(Self.burstOption)=\(burst) needs \(Self.rateOption) as well")
            }
            return nil
        }
        guard let rate = TrafficUnits.rate(text) else {
            throw NetworkError(
                .invalidRequest,
                "invalid \(Self.rateOption) \"\(text)\": expected a rate such as 10mbit, 1gbit or 500kbps")
        }
        guard rate >= Self.slowestRate else {
            throw NetworkError(.invalidRequest, "\(Self.rateOption) \"\(text)\" is below 8kbit")
        }
        self.rate = rate
        // Ten milliseconds' worth, or fast links would wait for the clock.
        var burst = max(Self.defaultBurst, UInt32(clamping: rate / 100))
        if let text = options[Self.burstOption] {
            guard let size = TrafficUnits.size(text), let bytes = UInt32(exactly: size) else {
                throw NetworkError(
                    .invalidRequest,
                    "invalid \(Self.burstOption) \"\(text)\": expected a size below 4gb such as 64kb or 1mb")
            }
            guard bytes >= Self.smallestBurst else {
                throw NetworkError(
                    .invalidRequest, "\(Self.burstOption) \"\(text)\" is below \(Self.smallestBurst) bytes")
            }
            burst = bytes
        }
        self.burst = burst
    }

    /// The limit of an endpoint, whose options were checked when it was made.
    static func of(_ endpoint: Endpoint) -> Bandwidth? {
        do throws(NetworkError) {
            return try Bandwidth(options: endpoint.driverOptions)
        } catch {
            return nil
        }
    }

    /// As a queue that delays: it holds what the rate sends in 50 ms, besides the burst.
    var tokenBucket: TokenBucket {
        TokenBucket(
            rate: rate, burst: burst, limit: UInt32(clamping: UInt64(burst) + max(rate / 20, 3000)))
    }
}

/// Numbers with the units of the `tc` command.
enum TrafficUnits {
    /// Factors to bits a second. `bit` counts in thousands, `kibit` in 1,024s, and `bps` means bytes.
    private static let rates: [String: Double] = {
        var units: [String: Double] = ["": 1, "bit": 1, "bps": 8]
        for (index, prefix) in ["k", "m", "g", "t"].enumerated() {
            let decimal = (0...index).reduce(1.0) { factor, _ in factor * 1000 }
            let binary = (0...index).reduce(1.0) { factor, _ in factor * 1024 }
            units[prefix + "bit"] = decimal
            units[prefix + "bps"] = decimal * 8
            units[prefix + "ibit"] = binary
            units[prefix + "ibps"] = binary * 8
        }
        return units
    }()

    /// Factors to bytes: sizes count in 1,024s.
    private static let sizes: [String: Double] = {
        var units: [String: Double] = ["": 1, "b": 1]
        for (index, prefix) in ["k", "m", "g"].enumerated() {
            let factor = (0...index).reduce(1.0) { factor, _ in factor * 1024 }
            units[prefix] = factor
            units[prefix + "b"] = factor
            units[prefix + "bit"] = factor / 8
        }
        return units
    }()

    /// Bytes a second of `10mbit`, `1.5gbit`, `500kbps` or a bare number of bits.
    static func rate(_ text: String) -> UInt64? { value(text, rates).map { $0 / 8 } }

    /// Bytes of `64kb`, `1m` or a bare number.
    static func size(_ text: String) -> UInt64? { value(text, sizes) }

    private static func value(_ text: String, _ units: [String: Double]) -> UInt64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard !digits.isEmpty, let number = Double(digits),
            let factor = units[text.dropFirst(digits.count).lowercased()]
        else { return nil }
        let product = number * factor
        return product.isFinite && product < 1e18 ? UInt64(product) : nil
    }
}
