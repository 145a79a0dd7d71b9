/// One message ("Message Format"): a fixed header, header fields, the body.
struct DBusMessage: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        case call = 1
        case reply = 2
        case error = 3
        case signal = 4
    }

    var kind: Kind
    var flags: UInt8 = 0
    var serial: UInt32 = 0
    var path: String?
    var interface: String?
    var member: String?
    var errorName: String?
    var replySerial: UInt32?
    var destination: String?
    var sender: String?
    var body: [DBusValue] = []

    /// The specification allows 128 MB; nothing that a service manager tells us comes near one.
    static let longest = 1 << 20
    /// Bytes from which a message's length is known.
    static let fixedLength = 16

    init(kind: Kind) { self.kind = kind }

    init(call member: String, on interface: String, path: String, to destination: String, body: [DBusValue]) {
        kind = .call
        self.member = member
        self.interface = interface
        self.path = path
        self.destination = destination
        self.body = body
    }

    func bytes() -> [UInt8] {
        var content = DBusWriter()
        for value in body { content.append(value) }
        var writer = DBusWriter()
        for byte in [UInt8(ascii: "l"), kind.rawValue, flags, 1] { writer.append(.byte(byte)) }
        writer.append(.uint32(UInt32(truncatingIfNeeded: content.bytes.count)))
        writer.append(.uint32(serial))
        writer.append(.array(of: "(yv)", fields))
        writer.align(to: 8)
        return writer.bytes + content.bytes
    }

    private var fields: [DBusValue] {
        var fields: [DBusValue] = []
        func add(_ code: UInt8, _ value: DBusValue?) {
            if let value { fields.append(.structure([.byte(code), .variant(value)])) }
        }
        add(1, path.map(DBusValue.objectPath))
        add(2, interface.map(DBusValue.string))
        add(3, member.map(DBusValue.string))
        add(4, errorName.map(DBusValue.string))
        add(5, replySerial.map(DBusValue.uint32))
        add(6, destination.map(DBusValue.string))
        add(7, sender.map(DBusValue.string))
        if !body.isEmpty { add(8, .signature(body.map(\.signature).joined())) }
        return fields
    }

    /// The length of the message that `bytes` begins with; nil until `fixedLength` bytes are there.
    static func length(_ bytes: ArraySlice<UInt8>) throws(DBusFormatError) -> Int? {
        guard bytes.count >= fixedLength else { return nil }
        var reader = DBusReader(bytes, bigEndian: bytes.first == UInt8(ascii: "B"))
        let fixed = try reader.values("yyyyuuu")
        guard case .byte(let order) = fixed[0], order == UInt8(ascii: "l") || order == UInt8(ascii: "B"),
            case .byte(let version) = fixed[3], version == 1, case .uint32(let body) = fixed[4],
            case .uint32(let fields) = fixed[6]
        else { throw DBusFormatError(reason: "not a D-Bus message") }
        let total = (fixedLength + Int(fields) + 7) / 8 * 8 + Int(body)
        guard total <= longest else { throw DBusFormatError(reason: "a message is too long") }
        return total
    }

    /// Reads a whole message.
    init(_ bytes: ArraySlice<UInt8>) throws(DBusFormatError) {
        guard let length = try Self.length(bytes), length == bytes.count else {
            throw DBusFormatError(reason: "too short")
        }
        let isBigEndian = bytes.first == UInt8(ascii: "B")
        var reader = DBusReader(bytes, bigEndian: isBigEndian)
        let fixed = try reader.values("yyyyuu")
        guard case .byte(let type) = fixed[1], let kind = Kind(rawValue: type),
            case .byte(let flags) = fixed[2],
            case .uint32(let bodyLength) = fixed[4], case .uint32(let serial) = fixed[5],
            case .array(_, let fields) = try reader.values("a(yv)")[0]
        else { throw DBusFormatError(reason: "not a D-Bus message") }
        self.kind = kind
        self.flags = flags
        self.serial = serial
        var signature = ""
        for field in fields {
            guard case .structure(let pair) = field, case .byte(let code) = pair[0],
                case .variant(let value) = pair[1]
            else { throw DBusFormatError(reason: "not a D-Bus message") }
            if code == 8 { signature = value.text ?? "" } else { take(code, value) }
        }
        guard Int(bodyLength) > 0 else { return }
        var content = DBusReader(bytes[(bytes.endIndex - Int(bodyLength))...], bigEndian: isBigEndian)
        body = try content.values(signature)
    }

    /// Unknown fields are to be ignored.
    private mutating func take(_ code: UInt8, _ value: DBusValue) {
        switch code {
        case 1: path = value.text
        case 2: interface = value.text
        case 3: member = value.text
        case 4: errorName = value.text
        case 5: if case .uint32(let number) = value { replySerial = number }
        case 6: destination = value.text
        case 7: sender = value.text
        default: break
        }
    }
}
