/// Builds the trees of a template and of those that it defines, as Go's text/template/parse does.
struct Parser {
    let name: String
    private let source: [UInt8]
    private let tokens: [Token]
    private var index = 0
    private let functions: Set<String>
    /// Names of the variables in scope; `$` is always there.
    var variables = ["$"]
    private(set) var definitions: [String: [Node]] = [:]
    private var rangeDepth = 0
    private var depth = 0

    private static let depthLimit = 300

    init(_ text: String, name: String, functions: Set<String>) throws(TemplateError) {
        self.name = name
        self.functions = functions
        source = Array(text.utf8)
        tokens = Lexer.tokens(of: text, name: name)
    }

    mutating func parse() throws(TemplateError) -> [Node] {
        var nodes: [Node] = []
        while true {
            let token = next()
            switch token.kind {
            case .end: return nodes
            case .text: nodes.append(.text(token.text))
            case .open:
                if peekNonSpace().kind == .keyword, peekNonSpace().text == "define" {
                    try define()
                } else {
                    index -= 1
                    let (node, terminator) = try action()
                    if let terminator { throw unexpected(terminator) }
                    if let node { nodes.append(node) }
                }
            default: throw unexpected(token, "input")
            }
        }
    }

    private func unexpected(_ terminator: Terminator) -> TemplateError {
        error("unexpected {{\(terminator.word)}}")
    }

    private mutating func define() throws(TemplateError) {
        _ = nextNonSpace()
        let token = nextNonSpace()
        guard let name = Self.string(token) else { throw unexpected(token, "define clause") }
        try expectClose("define clause")
        let outer = variables
        variables = ["$"]
        let (nodes, terminator) = try list()
        variables = outer
        guard terminator.word == "end" else { throw unexpected(terminator) }
        define(name, nodes)
    }

    /// A template that holds only white space does not replace one that holds more.
    private mutating func define(_ name: String, _ nodes: [Node]) {
        let isEmpty = nodes.allSatisfy { node in
            if case .text(let text) = node { text.allSatisfy(\.isWhitespace) } else { false }
        }
        if definitions[name] == nil || !isEmpty { definitions[name] = nodes }
    }

    // MARK: Control structures

    /// What ended a list of nodes.
    private struct Terminator {
        let word: String
        /// For `else if` and `else with`: the tokens from that word on are still to be read.
        var chained: String?
    }

    private mutating func list() throws(TemplateError) -> ([Node], Terminator) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw error("nested too deeply") }
        var nodes: [Node] = []
        while true {
            let token = peek()
            switch token.kind {
            case .end: throw error("unexpected EOF")
            case .fault: throw unexpected(token, "")
            case .text:
                _ = next()
                nodes.append(.text(token.text))
            case .open:
                let (node, terminator) = try action()
                if let terminator { return (nodes, terminator) }
                if let node { nodes.append(node) }
            default: throw unexpected(token, "input")
            }
        }
    }

    private mutating func action() throws(TemplateError) -> (Node?, Terminator?) {
        _ = next()
        let token = peekNonSpace()
        guard token.kind == .keyword else {
            let pipeline = try pipeline("command", until: .close)
            return (.action(pipeline), nil)
        }
        _ = nextNonSpace()
        switch token.text {
        case "if": return (.conditional(try branch("if", token)), nil)
        case "with": return (.with(try branch("with", token)), nil)
        case "range": return (.range(try branch("range", token)), nil)
        case "template": return (try template(token), nil)
        case "block": return (try block(token), nil)
        case "break", "continue": return (try loopControl(token), nil)
        case "end":
            try expectClose("end")
            return (nil, Terminator(word: "end"))
        case "else": return (nil, try elseClause())
        default: throw unexpected(token, "command")
        }
    }

    private mutating func elseClause() throws(TemplateError) -> Terminator {
        let token = peekNonSpace()
        if token.kind == .keyword, token.text == "if" || token.text == "with" {
            _ = nextNonSpace()
            return Terminator(word: "else", chained: token.text)
        }
        try expectClose("else")
        return Terminator(word: "else")
    }

    private mutating func branch(_ word: String, _ token: Token) throws(TemplateError) -> Branch {
        let mark = variables.count
        defer { variables.removeSubrange(mark...) }
        let pipeline = try pipeline(word, until: .close)
        if word == "range" { rangeDepth += 1 }
        let (body, terminator) = try list()
        if word == "range" { rangeDepth -= 1 }
        var otherwise: [Node]?
        if terminator.word == "else" {
            otherwise = try elseBranch(terminator, of: word, token)
        }
        return Branch(pipeline: pipeline, body: body, otherwise: otherwise, position: token.position)
    }

    private mutating func elseBranch(
        _ terminator: Terminator, of word: String, _ token: Token
    ) throws(TemplateError) -> [Node] {
        if let chained = terminator.chained {
            guard chained == word else { throw error("unexpected <\(chained)> in input") }
            depth += 1
            defer { depth -= 1 }
            guard depth <= Self.depthLimit else { throw error("nested too deeply") }
            let inner = try branch(word, token)
            return [word == "if" ? .conditional(inner) : .with(inner)]
        }
        let (nodes, end) = try list()
        guard end.word == "end" else { throw error("expected end; found {{else}}") }
        return nodes
    }

    private mutating func loopControl(_ token: Token) throws(TemplateError) -> Node {
        guard rangeDepth > 0 else { throw error("{{\(token.text)}} outside {{range}}") }
        try expectClose("{{\(token.text)}}")
        return token.text == "break"
            ? .breakLoop(position: token.position) : .continueLoop(position: token.position)
    }

    private mutating func template(_ token: Token) throws(TemplateError) -> Node {
        let nameToken = nextNonSpace()
        guard let name = Self.string(nameToken) else { throw unexpected(nameToken, "template clause") }
        var argument: Pipeline?
        if peekNonSpace().kind == .close {
            _ = nextNonSpace()
        } else {
            argument = try pipeline("template clause", until: .close)
        }
        return .template(name: name, pipeline: argument, position: nameToken.position)
    }

    private mutating func block(_ token: Token) throws(TemplateError) -> Node {
        let nameToken = nextNonSpace()
        guard let name = Self.string(nameToken) else { throw unexpected(nameToken, "block clause") }
        let argument = try pipeline("block clause", until: .close)
        let outer = variables
        variables = ["$"]
        let (nodes, terminator) = try list()
        variables = outer
        guard terminator.word == "end" else { throw unexpected(terminator) }
        define(name, nodes)
        return .template(name: name, pipeline: argument, position: nameToken.position)
    }

    // MARK: Tokens

    mutating func next() -> Token {
        defer { if index < tokens.count - 1 { index += 1 } }
        return tokens[index]
    }

    func peek() -> Token { tokens[index] }

    mutating func nextNonSpace() -> Token {
        while tokens[index].kind == .space { index += 1 }
        return next()
    }

    func peekNonSpace() -> Token {
        var position = index
        while tokens[position].kind == .space { position += 1 }
        return tokens[position]
    }

    func peekAfterNext() -> Token {
        var position = index
        while tokens[position].kind == .space { position += 1 }
        position = min(position + 1, tokens.count - 1)
        while tokens[position].kind == .space { position += 1 }
        return tokens[position]
    }

    mutating func backUp(to token: Token) {
        while index > 0, tokens[index].position > token.position { index -= 1 }
    }

    func isFunction(_ name: String) -> Bool { functions.contains(name) }

    private mutating func expectClose(_ context: String) throws(TemplateError) {
        let token = nextNonSpace()
        guard token.kind == .close else { throw unexpected(token, context) }
    }

    static func string(_ token: Token) -> String? {
        switch token.kind {
        case .string: GoString.unquote(token.text)
        case .rawString: String(token.text.dropFirst().dropLast())
        default: nil
        }
    }

    mutating func enter() throws(TemplateError) {
        depth += 1
        guard depth <= Self.depthLimit else { throw error("nested too deeply") }
    }

    mutating func leave() { depth -= 1 }

    func unexpected(_ token: Token, _ context: String) -> TemplateError {
        switch token.kind {
        case .end: error("unexpected EOF", at: token)
        case .fault: TemplateError(.parsing, token.text)
        case .keyword, .dot, .nilWord: error("unexpected <\(token.text)> in \(context)", at: token)
        case .close, .open: error("unexpected \"\(token.text)\" in \(context)", at: token)
        default: error("unexpected \(GoPrinter.quoted(token.text)) in \(context)", at: token)
        }
    }

    func error(_ reason: String, at token: Token? = nil) -> TemplateError {
        let position = min((token ?? tokens[max(0, index - 1)]).position, source.count)
        let line = 1 + source[0..<position].count { $0 == 0x0A }
        return TemplateError(.parsing, "template: \(name):\(line): \(reason)")
    }
}
