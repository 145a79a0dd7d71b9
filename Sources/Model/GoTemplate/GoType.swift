/// The Go type behind a JSON value: it decides how a value prints, what an absent member is worth, and which names
/// a template may use.
package indirect enum GoType: Sendable {
    /// `interface{}`: whatever the JSON holds; objects are maps.
    case any
    case bool
    case int
    case unsigned
    case float
    case string
    case slice(GoType)
    case map(GoType)
    case pointer(GoType)
    case structure(GoStructure)

    /// The type's name as in Go's messages.
    package var name: String {
        switch self {
        case .any: "interface {}"
        case .bool: "bool"
        case .int: "int"
        case .unsigned: "uint64"
        case .float: "float64"
        case .string: "string"
        case .slice(let element): "[]" + element.name
        case .map(let element): "map[string]" + element.name
        case .pointer(let type): "*" + type.name
        case .structure(let structure): structure.name
        }
    }
}

/// A Go structure: its fields in order.
package final class GoStructure: Sendable {
    package struct Field: Sendable {
        /// The name that templates use.
        package let name: String
        /// The member of the JSON object.
        package let key: String
        package let type: GoType

        package init(_ name: String, key: String? = nil, _ type: GoType) {
            self.name = name
            self.key = key ?? name
            self.type = type
        }
    }

    package let name: String
    package let fields: [Field]

    package init(_ name: String, _ fields: [Field]) {
        self.name = name
        self.fields = fields
    }

    package func field(_ name: String) -> Field? { fields.first { $0.name == name } }
}
