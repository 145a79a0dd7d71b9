import Glibc

/// Changes to one table that the kernel makes all at once or not at all.
package struct NftablesTransaction: Sendable {
    package let table: String
    private let family: NftablesFamily
    private var batch = MessageBatch()
    private var sets: UInt32 = 0
    private var steps = 0

    /// Elements per message: a list's length has 16 bits.
    private static let elementsPerMessage = 400

    package init(table: String, family: NftablesFamily = .inet) {
        self.table = table
        self.family = family
        Self.header(&batch, type: NftablesMessage.batchBegin, [.request], family: 0, resource: 10, "batch")
    }

    package var isEmpty: Bool { steps == 0 }

    /// The whole transaction, its last step acknowledged: one answer is enough, errors are always reported.
    package func finished() -> MessageBatch {
        var finished = batch
        finished.acknowledgeLast()
        Self.header(
            &finished, type: NftablesMessage.batchEnd, [.request], family: 0, resource: 10, "batch")
        return finished
    }

    private static func header(
        _ batch: inout MessageBatch, type: UInt16, _ flags: MessageFlags, family: UInt8, resource: UInt16,
        _ name: String, subject: String = "", tolerated: [Int32] = [],
        _ body: (inout MessageBatch) -> Void = { _ in }
    ) {
        batch.message(type, flags, name: name, subject: subject, tolerated: tolerated) {
            // struct nfgenmsg
            $0.append(family)
            $0.append(UInt8(0))
            $0.append(resource.bigEndian)
            body(&$0)
        }
    }

    private mutating func step(
        _ type: UInt16, _ flags: MessageFlags, _ name: String, subject: String,
        _ body: (inout MessageBatch) -> Void
    ) {
        steps += 1
        let table = self.table
        Self.header(
            &batch, type: NftablesMessage.subsystem | type, flags.union(.request), family: family.rawValue,
            resource: 0,
            name, subject: "\(table) \(subject)"
        ) {
            $0.attribute(NftablesAttribute.table, string: table)
            body(&$0)
        }
    }

    /// Adds the table; it may exist.
    package mutating func addTable() {
        step(NftablesMessage.newTable, [.create], "NFT_MSG_NEWTABLE", subject: "") { _ in }
    }

    /// Deletes the table with all it holds; it has to exist.
    package mutating func deleteTable() {
        step(NftablesMessage.deleteTable, [], "NFT_MSG_DELTABLE", subject: "") { _ in }
    }

    /// Adds a chain; with a hook packets come by themselves and pass where no rule decides.
    package mutating func addChain(_ name: String, hook: NftablesHook? = nil) {
        step(NftablesMessage.newChain, [.create], "NFT_MSG_NEWCHAIN", subject: name) {
            $0.attribute(NftablesAttribute.chainName, string: name)
            guard let hook else { return }
            $0.nested(NftablesAttribute.chainHook) {
                $0.attribute(NftablesAttribute.hookNumber, number: hook.point.rawValue.bigEndian)
                $0.attribute(
                    NftablesAttribute.hookPriority, number: UInt32(bitPattern: hook.priority).bigEndian)
                if let device = hook.device {
                    $0.attribute(NftablesAttribute.hookDevice, string: device)
                }
            }
            $0.attribute(NftablesAttribute.chainPolicy, number: UInt32(1).bigEndian)
            $0.attribute(NftablesAttribute.chainType, string: hook.kind.rawValue)
        }
    }

    /// Deletes a chain that no rule jumps to, with its rules; it has to exist.
    package mutating func deleteChain(_ name: String) {
        step(NftablesMessage.deleteChain, [], "NFT_MSG_DELCHAIN", subject: name) {
            $0.attribute(NftablesAttribute.chainName, string: name)
        }
    }

    /// Deletes every rule of a chain; the chain has to exist.
    package mutating func deleteRules(_ chain: String) {
        step(NftablesMessage.deleteRule, [], "NFT_MSG_DELRULE", subject: chain) {
            $0.attribute(NftablesAttribute.ruleChain, string: chain)
        }
    }

    /// Deletes a set or a map with its elements; it has to exist and no rule may use it.
    package mutating func deleteSet(_ name: String) {
        step(NftablesMessage.deleteSet, [], "NFT_MSG_DELSET", subject: name) {
            $0.attribute(NftablesAttribute.setName, string: name)
        }
    }

    /// Appends a rule to a chain.
    package mutating func addRule(_ chain: String, _ expressions: [NftablesExpression]) {
        step(NftablesMessage.newRule, [.create, .append], "NFT_MSG_NEWRULE", subject: chain) {
            $0.attribute(NftablesAttribute.ruleChain, string: chain)
            $0.nested(NftablesAttribute.ruleExpressions) {
                for expression in expressions { $0.expression(expression) }
            }
        }
    }

    package mutating func addSet(_ set: NftablesSet) {
        sets += 1
        let number = sets
        step(NftablesMessage.newSet, [.create], "NFT_MSG_NEWSET", subject: set.name) {
            $0.attribute(NftablesAttribute.setName, string: set.name)
            $0.attribute(NftablesAttribute.setFlags, number: set.flags.bigEndian)
            $0.attribute(NftablesAttribute.setKeyType, number: NftablesSet.typeNumber(set.key).bigEndian)
            $0.attribute(NftablesAttribute.setKeyLength, number: NftablesSet.length(set.key).bigEndian)
            if !set.value.isEmpty {
                $0.attribute(
                    NftablesAttribute.setDataType, number: NftablesSet.typeNumber(set.value).bigEndian)
                $0.attribute(NftablesAttribute.setDataLength, number: NftablesSet.length(set.value).bigEndian)
            }
            $0.attribute(NftablesAttribute.setID, number: number.bigEndian)
            if let order = set.keyByteOrder {
                // For the nft command, which else prints interface names as nothing: type 0, length 4, a number.
                $0.attribute(
                    NftablesAttribute.setUserData, [0, 4] + withUnsafeBytes(of: order) { Array($0) })
            }
        }
    }

    /// Adds elements to a set or map; one that is there already with the same value is no error.
    package mutating func addElements(_ set: String, _ elements: [NftablesElement]) {
        change(NftablesMessage.newElement, [.create], "NFT_MSG_NEWSETELEM", set, elements)
    }

    /// Deletes elements, by their keys; each has to be there.
    package mutating func deleteElements(_ set: String, _ elements: [NftablesElement]) {
        change(NftablesMessage.deleteElement, [], "NFT_MSG_DELSETELEM", set, elements)
    }

    private mutating func change(
        _ type: UInt16, _ flags: MessageFlags, _ name: String, _ set: String, _ elements: [NftablesElement]
    ) {
        var rest = elements[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.elementsPerMessage)
            rest = rest.dropFirst(part.count)
            step(type, flags, name, subject: set) {
                $0.attribute(NftablesAttribute.elementListSet, string: set)
                $0.nested(NftablesAttribute.elementList) {
                    for element in part { $0.element(element) }
                }
            }
        }
    }
}

extension MessageBatch {
    fileprivate mutating func element(_ element: NftablesElement) {
        nested(NftablesAttribute.listElement) {
            $0.nested(NftablesAttribute.elementKey) { $0.attribute(NftablesAttribute.dataValue, element.key) }
            guard !element.value.isEmpty else { return }
            $0.nested(NftablesAttribute.elementData) {
                $0.attribute(NftablesAttribute.dataValue, element.value)
            }
        }
        guard let end = element.end else { return }
        nested(NftablesAttribute.listElement) {
            $0.nested(NftablesAttribute.elementKey) { $0.attribute(NftablesAttribute.dataValue, end) }
            $0.attribute(NftablesAttribute.elementFlags, number: UInt32(1).bigEndian)
        }
    }
}

/// A change to nftables that the kernel told of.
package struct NftablesNotification: Sendable, Equatable {
    /// The table that something was removed from; nil for everything else.
    package let removedFrom: String?
    /// What was removed, or what the removed rule or elements were in; nil for the table itself.
    package let removedName: String?
    /// The socket that caused it.
    package let port: UInt32

    package init(_ message: NetlinkMessage) {
        port = message.port
        let removals = [
            NftablesMessage.deleteTable, NftablesMessage.deleteChain, NftablesMessage.deleteRule,
            NftablesMessage.deleteSet, NftablesMessage.deleteElement,
        ]
        let isRemoval =
            message.type & 0xff00 == NftablesMessage.subsystem && removals.contains(message.type & 0xff)
        let attributes = message.attributes(after: 4)
        removedFrom = isRemoval ? attributes[NftablesAttribute.table]?.string : nil
        switch message.type & 0xff {
        case NftablesMessage.deleteChain: removedName = attributes[NftablesAttribute.chainName]?.string
        case NftablesMessage.deleteRule: removedName = attributes[NftablesAttribute.ruleChain]?.string
        case NftablesMessage.deleteSet: removedName = attributes[NftablesAttribute.setName]?.string
        case NftablesMessage.deleteElement: removedName = attributes[NftablesAttribute.elementListSet]?.string
        default: removedName = nil
        }
    }
}
