/// The first packet of a connection that the audit asks about.
struct ProbePacket: Sendable, Hashable {
    /// Empty where a program of the host sends it.
    var inputInterface = ""
    /// Empty where it ends at the host.
    var outputInterface = ""
    var source: IPAddress
    var destination: IPAddress
    var transport: TransportProtocol
    var port: UInt16
    /// Whether the destination was translated.
    var isTranslated = false
    /// Whether the destination is an address of the host.
    var isDestinationLocal = false

    static let sourcePort: UInt16 = 50_000

    private static func bigEndian(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }

    /// A host's number as it lies in a register.
    private static func native(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

    /// The network header: version, protocol and addresses; nil stands for bytes that differ from packet to packet.
    private var header: [UInt8?] {
        if source.isIPv4 {
            return [0x45, nil] + [nil, nil] + [nil, nil, nil, nil, nil] + [transport.number, nil, nil]
                + source.bytes + destination.bytes
        }
        return [0x60] + [nil, nil, nil, nil, nil] + [transport.number, nil] + source.bytes + destination.bytes
    }

    private var transportHeader: [UInt8?] { Self.bigEndian(Self.sourcePort) + Self.bigEndian(port) }

    /// What a rule would read; nil where packets of this kind differ in it.
    func value(_ load: RuleStep.Load) -> [UInt8]? {
        switch load {
        case .inputInterface: Self.name(inputInterface)
        case .outputInterface: Self.name(outputInterface)
        case .family: [source.isIPv4 ? 2 : 10]
        case .transport: [transport.number]
        case .connectionState: Self.native(8)  // new
        case .connectionStatus: Self.native(isTranslated ? 0x20 : 0)
        case .destinationKind: Self.native(isDestinationLocal ? 2 : 1)  // RTN_LOCAL, RTN_UNICAST
        case .network(let offset, let length): Self.part(header, offset, length)
        case .transportHeader(let offset, let length): Self.part(transportHeader, offset, length)
        }
    }

    private static func name(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8.prefix(15))
        return bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }

    private static func part(_ bytes: [UInt8?], _ offset: Int, _ length: Int) -> [UInt8]? {
        guard offset + length <= bytes.count else { return nil }
        let known = bytes[offset..<(offset + length)].compactMap { $0 }
        return known.count == length ? known : nil
    }
}
