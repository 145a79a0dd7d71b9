import Testing

@testable import RegistryServer

/// The text form that Prometheus reads, version 0.0.4 (checked against `promtool check metrics` when it was written).
@Suite struct MetricsTests {
    private struct Sample {
        let name: String
        let labels: String
        let value: Double
    }

    /// `name{label="value",…} number`
    private static func sample(_ line: Substring) throws -> Sample {
        let pattern =
            #/([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*)\})? ([0-9.e+-]+)/#
        let match = try #require(line.wholeMatch(of: pattern), "\(line)")
        return Sample(
            name: String(match.1), labels: match.2.map { String($0) } ?? "",
            value: try #require(Double(match.3)))
    }

    private static func filled() -> RegistryMetrics {
        let metrics = RegistryMetrics()
        for (index, method) in ["GET", "PUT", "QUERY", "x\"y"].enumerated() {
            metrics.record(
                "blob", method, status: 200 + index, sent: 10, took: .milliseconds(3 * index * index))
            metrics.record("ping", method, status: 0, sent: 0, took: .seconds(100))
        }
        return metrics
    }

    @Test(arguments: [false, true]) func everyLineIsOfTheGrammar(isEmpty: Bool) throws {
        let metrics = isEmpty ? RegistryMetrics() : Self.filled()
        let text = metrics.text(stored: .max, uploads: 0)
        #expect(text.hasSuffix("\n"))
        var types: [String: String] = [:]
        var seen: Set<String> = []
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ", maxSplits: 3).map { String($0) }
            if line.hasPrefix("# TYPE ") {
                #expect(types.updateValue(words[3], forKey: words[2]) == nil, "\(line)")
                #expect(["counter", "gauge", "histogram"].contains(words[3]), "\(line)")
            } else if line.hasPrefix("# ") {
                #expect(words[1] == "HELP" && words.count == 4, "\(line)")
            } else {
                let sample = try Self.sample(line)
                #expect(seen.insert("\(sample.name){\(sample.labels)}").inserted, "\(line)")
                let family = ["_bucket", "_sum", "_count"].first { sample.name.hasSuffix($0) }.map {
                    String(sample.name.dropLast($0.count))
                }
                #expect(types[sample.name] != nil || types[family ?? ""] == "histogram", "\(line)")
                #expect(types[sample.name] != "counter" || sample.name.hasSuffix("_total"), "\(line)")
            }
        }
    }

    @Test func bucketsAddUpAndEndWithEverything() throws {
        let lines = Self.filled().text(stored: 0, uploads: 0).split(separator: "\n")
        let buckets = try lines.filter { $0.contains("_bucket{operation=\"blob\"") }.map {
            try Self.sample($0)
        }
        #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.value <= $1.value })
        #expect(buckets.last?.labels.hasSuffix("le=\"+Inf\"") == true && buckets.last?.value == 4)
        #expect(lines.contains("skiff_registry_request_duration_seconds_count{operation=\"blob\"} 4"))
    }
}
