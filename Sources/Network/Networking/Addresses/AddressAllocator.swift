/// Hands out the addresses of one subnet: always the lowest free one, as Docker does, so that a container that is
/// started again after others ended finds its address again.
struct AddressAllocator: Sendable {
    let subnet: AddressBlock
    /// The part of the subnet that is handed out unasked.
    let range: AddressBlock
    private var used: Set<UInt128> = []
    /// No address of the range below it is free.
    private var lowestFree: IPAddress

    /// - Parameters:
    ///   - range: nil for the whole subnet
    ///   - reserved: addresses that no container gets, such as the gateway's
    init(subnet: AddressBlock, range: AddressBlock? = nil, reserved: [IPAddress] = []) {
        self.subnet = subnet.network
        self.range = (range ?? subnet).network
        lowestFree = self.range.first
        // The subnet's own address, and IPv4's broadcast address, belong to nobody.
        if self.subnet.address.bits - self.subnet.prefixLength > 1 {
            used.insert(self.subnet.first.number)
            if self.subnet.address.isIPv4 { used.insert(self.subnet.last.number) }
        }
        used.formUnion(reserved.filter { self.subnet.contains($0) }.map(\.number))
    }

    /// Takes the lowest free address of the range; nil where there is none.
    mutating func allocate() -> IPAddress? {
        let last = range.last.number
        var candidate = lowestFree.number
        while !used.insert(candidate).inserted {
            guard candidate < last else { return nil }
            candidate += 1
        }
        lowestFree = subnet.address.with(number: candidate < last ? candidate + 1 : last)
        return subnet.address.with(number: candidate)
    }

    /// Takes a given address; false where it is taken.
    mutating func claim(_ address: IPAddress) -> Bool {
        used.insert(address.number).inserted
    }

    mutating func release(_ address: IPAddress) {
        guard used.remove(address.number) != nil else { return }
        if range.contains(address), address.number < lowestFree.number { lowestFree = address }
    }
}
