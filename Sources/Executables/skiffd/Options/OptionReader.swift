import Engine
import JSONCodec

/// Reads merged values with their types; a wrong one is refused by its key.
struct OptionReader {
    private let values: JSONObject

    init(_ values: JSONObject) { self.values = values }

    /// nil where the key is absent; an empty text counts as absent, as in dockerd.
    func string(_ key: String) throws(OptionError) -> String? {
        guard let value = values[key], !value.isNull else { return nil }
        guard let text = value.stringValue else { throw OptionError("\(key): expected a string") }
        return text.isEmpty ? nil : text
    }

    /// An absolute path, without a slash at its end.
    func path(_ key: String) throws(OptionError) -> String? {
        guard var path = try string(key) else { return nil }
        guard path.hasPrefix("/") else { throw OptionError("\(key): \"\(path)\" is not an absolute path") }
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    func bool(_ key: String) throws(OptionError) -> Bool? {
        guard let value = values[key], !value.isNull else { return nil }
        guard let bool = value.boolValue else { throw OptionError("\(key): expected true or false") }
        return bool
    }

    func integer(_ key: String, _ range: ClosedRange<Int>) throws(OptionError) -> Int? {
        guard let value = values[key], !value.isNull else { return nil }
        guard let number = value.integerValue.flatMap({ Int(exactly: $0) }), range.contains(number) else {
            throw OptionError("\(key): expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A number of bytes, or a text with a unit: `b`, `k`, `m`, `g`, `t`, each also with `b` or `ib` behind it.
    func bytes(_ key: String) throws(OptionError) -> Int64? {
        guard let value = values[key], !value.isNull else { return nil }
        let number = value.integerValue ?? value.stringValue.flatMap(Self.size)
        guard let number, number >= 0 else {
            throw OptionError("\(key): \"\(value.stringValue ?? value.text())\" is no size such as 64m")
        }
        return number
    }

    static func size(_ text: String) -> Int64? { ByteSize.parse(text) }

    func strings(_ key: String) throws(OptionError) -> [String]? {
        guard let value = values[key], !value.isNull else { return nil }
        var texts: [String] = []
        for element in value.arrayValue ?? [] {
            guard let text = element.stringValue else {
                throw OptionError("\(key): expected a list of strings")
            }
            texts.append(text)
        }
        return texts
    }

    func map(_ key: String) throws(OptionError) -> [String: String] {
        var map: [String: String] = [:]
        guard case .object(let object) = values[key] else { return map }
        for (name, value) in object {
            guard let text = value.stringValue else { throw OptionError("\(key).\(name): expected a string") }
            map[name] = text
        }
        return map
    }

    func ulimits(_ key: String) throws(OptionError) -> [Ulimit] {
        guard case .object(let object) = values[key] else { return [] }
        var ulimits: [Ulimit] = []
        for (name, value) in object {
            guard let hard = (value["Hard"] ?? value["hard"])?.integerValue,
                let soft = (value["Soft"] ?? value["soft"])?.integerValue
            else { throw OptionError("\(key).\(name): expected {\"Name\", \"Soft\", \"Hard\"}") }
            let own = (value["Name"] ?? value["name"])?.stringValue ?? name
            ulimits.append(Ulimit(name: own, soft: soft, hard: hard))
        }
        return ulimits
    }

    func pools(_ key: String) throws(OptionError) -> [BridgeAddressPool] {
        var pools: [BridgeAddressPool] = []
        for value in values[key]?.arrayValue ?? [] {
            guard let base = value["base"]?.stringValue, let size = value["size"]?.integerValue,
                (1...128).contains(size)
            else { throw OptionError("\(key): expected a list of {\"base\", \"size\"}") }
            pools.append(BridgeAddressPool(base: base, size: Int(size)))
        }
        return pools
    }

    /// Refuses every value but the listed ones.
    func only(_ key: String, _ allowed: [String]) throws(OptionError) {
        guard let text = try string(key), !allowed.contains(text) else { return }
        throw OptionError("\(key): \"\(text)\" is not supported: use \(allowed.joined(separator: " or "))")
    }
}
