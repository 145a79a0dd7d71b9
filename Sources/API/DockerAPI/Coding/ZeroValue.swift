/// What has a zero value as Go's types do: what a member is that the text does not name.
package protocol ZeroValue {
    init()
    var isZero: Bool { get }
}

extension ZeroValue where Self: Equatable {
    package var isZero: Bool { self == Self() }
}

/// A JSON object of Docker's API. Its members are written in the order in which they are declared.
package protocol WireType: Codable, Sendable, Equatable, ZeroValue {}

extension String: ZeroValue { package var isZero: Bool { isEmpty } }
extension Bool: ZeroValue { package var isZero: Bool { !self } }
extension Int: ZeroValue {}
extension Int64: ZeroValue {}
extension UInt16: ZeroValue {}
extension UInt32: ZeroValue {}
extension UInt64: ZeroValue {}
extension Array: ZeroValue { package var isZero: Bool { isEmpty } }
extension Dictionary: ZeroValue { package var isZero: Bool { isEmpty } }
