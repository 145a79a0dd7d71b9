import Glibc

/// An IP address in text form, checked and in its normal spelling.
struct IPAddress: Equatable {
    let text: String
    let isIPv6: Bool
    /// 4 or 16, the first ones first.
    let bytes: [UInt8]

    init?(_ text: String) {
        var storage = [UInt8](repeating: 0, count: 16)
        var output = [CChar](repeating: 0, count: 64)
        for family in [AF_INET, AF_INET6] where inet_pton(family, text, &storage) == 1 {
            guard inet_ntop(family, storage, &output, socklen_t(output.count)) != nil else { return nil }
            let letters = output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            self.text = String(decoding: letters, as: UTF8.self)
            isIPv6 = family == AF_INET6
            bytes = Array(storage.prefix(isIPv6 ? 16 : 4))
            return
        }
        return nil
    }

    /// Whether the first `bits` are those of another address of the same family.
    func shares(_ bits: Int, with other: IPAddress) -> Bool {
        guard isIPv6 == other.isIPv6 else { return false }
        return zip(bytes, other.bytes).enumerated().allSatisfy { index, pair in
            let relevant = min(max(bits - index * 8, 0), 8)
            return (pair.0 ^ pair.1) >> UInt8(8 - relevant) == 0
        }
    }
}
