import Glibc

/// An IP address in text form, checked and in its normal spelling.
struct IPAddress: Equatable {
    let text: String
    let isIPv6: Bool

    init?(_ text: String) {
        var storage = [UInt8](repeating: 0, count: 16)
        var output = [CChar](repeating: 0, count: 64)
        for family in [AF_INET, AF_INET6] where inet_pton(family, text, &storage) == 1 {
            guard inet_ntop(family, storage, &output, socklen_t(output.count)) != nil else { return nil }
            let bytes = output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            self.text = String(decoding: bytes, as: UTF8.self)
            isIPv6 = family == AF_INET6
            return
        }
        return nil
    }
}
