extension Parser {
    /// Pipeline: `[$variables :=] command | command …`, up to and including the token that ends it.
    mutating func pipeline(_ context: String, until end: Token.Kind) throws(TemplateError) -> Pipeline {
        try enter()
        defer { leave() }
        var pipeline = Pipeline(position: peekNonSpace().position)
        try declarations(of: &pipeline, context)
        while true {
            let token = nextNonSpace()
            switch token.kind {
            case end:
                try check(pipeline, context)
                return pipeline
            case .bool, .character, .dot, .field, .identifier, .number, .nilWord, .rawString, .string,
                .variable,
                .leftParenthesis:
                backUp(to: token)
                pipeline.commands.append(try command(until: end))
            default: throw unexpected(token, context)
            }
        }
    }

    private func check(_ pipeline: Pipeline, _ context: String) throws(TemplateError) {
        guard let first = pipeline.commands.first, !first.operands.isEmpty else {
            throw error("missing value for \(context)")
        }
        for (index, command) in pipeline.commands.enumerated().dropFirst() {
            switch command.operands.first?.kind {
            case .bool, .dot, .nilWord, .number, .string:
                throw error("non executable command in pipeline stage \(index + 1)")
            default: continue
            }
        }
    }

    private mutating func declarations(of pipeline: inout Pipeline, _ context: String) throws(TemplateError) {
        while true {
            let token = peekNonSpace()
            guard token.kind == .variable else { return }
            let following = peekAfterNext()
            switch following.kind {
            case .assign, .declare:
                _ = nextNonSpace()
                _ = nextNonSpace()
                pipeline.assigns = following.kind == .assign
                try declare(token.text, in: &pipeline)
                return
            case .comma where context == "range" && pipeline.variables.isEmpty:
                _ = nextNonSpace()
                _ = nextNonSpace()
                try declare(token.text, in: &pipeline)
                let second = peekNonSpace()
                guard second.kind == .variable else { throw error("range can only initialize variables") }
            case .comma where context == "range":
                throw error("too many declarations in range")
            default: return
            }
        }
    }

    private mutating func declare(_ name: String, in pipeline: inout Pipeline) throws(TemplateError) {
        pipeline.variables.append(name)
        if pipeline.assigns {
            guard variables.contains(name) else {
                throw error("undefined variable \(GoPrinter.quoted(name))")
            }
        } else {
            variables.append(name)
        }
    }

    private mutating func command(until end: Token.Kind) throws(TemplateError) -> Command {
        var command = Command(position: peekNonSpace().position)
        while true {
            while peek().kind == .space { _ = next() }
            if let operand = try operand() { command.operands.append(operand) }
            let token = next()
            switch token.kind {
            case .space: continue
            case .pipe:
                try requireCommandBehind(token)
            case end:
                backUp(to: token)
            case .close, .rightParenthesis, .end:
                throw unexpected(token, "operand")
            default:
                throw unexpected(token, "operand")
            }
            break
        }
        guard !command.operands.isEmpty else { throw error("empty command") }
        return command
    }

    private mutating func requireCommandBehind(_ pipe: Token) throws(TemplateError) {
        let following = peekNonSpace()
        if following.kind == .close || following.kind == .rightParenthesis {
            throw error("missing value for command", at: pipe)
        }
    }

    private mutating func operand() throws(TemplateError) -> Operand? {
        guard let term = try term() else { return nil }
        guard peek().kind == .field else { return term }
        // Messages point at the first member behind the term.
        let position = peek().position
        var members: [String] = []
        while peek().kind == .field { members.append(String(next().text.dropFirst())) }
        switch term.kind {
        case .field(let names): return Operand(kind: .field(names + members), position: position)
        case .variable(let name, let names):
            return Operand(kind: .variable(name, names + members), position: position)
        case .bool, .string, .number, .nilWord, .dot:
            throw error("unexpected . after term \(GoPrinter.quoted(term.description))")
        default: return Operand(kind: .chain(term, members), position: position)
        }
    }

    private mutating func term() throws(TemplateError) -> Operand? {
        let token = peekNonSpace()
        let kind: Operand.Kind
        switch token.kind {
        case .identifier:
            guard isFunction(token.text) else {
                throw error("function \(GoPrinter.quoted(token.text)) not defined", at: token)
            }
            kind = .identifier(token.text)
        case .dot: kind = .dot
        case .nilWord: kind = .nilWord
        case .bool: kind = .bool(token.text == "true")
        case .variable:
            guard variables.contains(token.text) else {
                throw error("undefined variable \(GoPrinter.quoted(token.text))", at: token)
            }
            kind = .variable(token.text, [])
        case .field: kind = .field([String(token.text.dropFirst())])
        case .character, .number:
            let constant =
                token.kind == .number ? NumberConstant(token.text) : NumberConstant(character: token.text)
            guard let constant else { throw error("malformed character constant: \(token.text)", at: token) }
            kind = .number(token.text, constant)
        case .string, .rawString:
            guard let text = Self.string(token) else { throw error("invalid syntax", at: token) }
            kind = .string(text, literal: token.text)
        case .leftParenthesis:
            _ = nextNonSpace()
            kind = .pipeline(try pipeline("parenthesized pipeline", until: .rightParenthesis))
            return Operand(kind: kind, position: token.position)
        default: return nil
        }
        _ = nextNonSpace()
        return Operand(kind: kind, position: token.position)
    }
}
