// Numbers of the kernel's user interface (linux/netlink.h). They are written down here because the C library's module
// does not carry the kernel's headers, and a shim would only repeat them.

package enum NetlinkProtocol {
    package static let route: Int32 = 0
    package static let netfilter: Int32 = 12
}

/// `nlmsg_flags`.
package struct MessageFlags: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let request = MessageFlags(rawValue: 0x1)
    package static let multipart = MessageFlags(rawValue: 0x2)
    package static let acknowledge = MessageFlags(rawValue: 0x4)
    package static let echo = MessageFlags(rawValue: 0x8)
    /// In answers to a dump: the data changed meanwhile.
    package static let dumpInterrupted = MessageFlags(rawValue: 0x10)

    package static let replace = MessageFlags(rawValue: 0x100)
    package static let exclusive = MessageFlags(rawValue: 0x200)
    package static let create = MessageFlags(rawValue: 0x400)
    package static let append = MessageFlags(rawValue: 0x800)
    package static let dump = MessageFlags(rawValue: 0x300)
}

enum ControlMessage {
    static let error: UInt16 = 2
    static let done: UInt16 = 3
    static let overrun: UInt16 = 4
}

enum SocketOption {
    static let level: Int32 = 270
    static let addMembership: Int32 = 1
    static let capAcknowledgement: Int32 = 10
    static let extendedAcknowledgement: Int32 = 11
    static let strictChecking: Int32 = 12
}
