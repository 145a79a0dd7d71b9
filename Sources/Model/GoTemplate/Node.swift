/// A node of a parsed template. `description` is the node's source in Go's normal form, which messages quote.
indirect enum Node: Sendable {
    case text(String)
    case action(Pipeline)
    case conditional(Branch)
    case with(Branch)
    case range(Branch)
    case template(name: String, pipeline: Pipeline?, position: Int)
    case breakLoop(position: Int)
    case continueLoop(position: Int)
}

/// `if`, `with` or `range`.
struct Branch: Sendable {
    let pipeline: Pipeline
    let body: [Node]
    let otherwise: [Node]?
    let position: Int
}

/// Commands connected by `|`, with the variables that their result is assigned to.
struct Pipeline: Sendable, CustomStringConvertible {
    var variables: [String] = []
    /// `=` rather than `:=`.
    var assigns = false
    var commands: [Command] = []
    let position: Int

    var description: String {
        let commands = commands.map(\.description).joined(separator: " | ")
        guard !variables.isEmpty else { return commands }
        return variables.joined(separator: ", ") + (assigns ? " = " : " := ") + commands
    }
}

/// Operands separated by spaces: a function or member with its arguments, or one value.
struct Command: Sendable, CustomStringConvertible {
    var operands: [Operand] = []
    let position: Int

    var description: String {
        operands.map { operand in
            if case .pipeline = operand.kind { return "(\(operand))" }
            return operand.description
        }.joined(separator: " ")
    }
}

struct Operand: Sendable, CustomStringConvertible {
    indirect enum Kind: Sendable {
        case dot
        case nilWord
        case bool(Bool)
        case number(String, NumberConstant)
        case string(String, literal: String)
        case identifier(String)
        /// `.A.B`
        case field([String])
        /// `$x.A.B`: the name, dollar sign included, then the members
        case variable(String, [String])
        case pipeline(Pipeline)
        /// `(…).A.B`
        case chain(Operand, [String])
    }

    let kind: Kind
    let position: Int

    var description: String {
        switch kind {
        case .dot: "."
        case .nilWord: "nil"
        case .bool(let bool): "\(bool)"
        case .number(let text, _): text
        case .string(_, let literal): literal
        case .identifier(let name): name
        case .field(let names): names.map { "." + $0 }.joined()
        case .variable(let name, let members): ([name] + members).joined(separator: ".")
        case .pipeline(let pipeline): pipeline.description
        case .chain(let operand, let members):
            (isPipeline(operand) ? "(\(operand))" : operand.description) + members.map { "." + $0 }.joined()
        }
    }

    private func isPipeline(_ operand: Operand) -> Bool {
        if case .pipeline = operand.kind { true } else { false }
    }
}
