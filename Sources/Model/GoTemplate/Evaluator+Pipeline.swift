import JSONCodec

extension Evaluator {
    mutating func evaluate(_ pipeline: Pipeline, _ dot: TemplateValue) throws(TemplateError) -> TemplateValue
    {
        var value: TemplateValue?
        for command in pipeline.commands { value = try evaluate(command, dot, final: value) }
        let result = value ?? .missing
        // A range assigns the elements, not the list.
        if pipeline.variables.count == 1, let name = pipeline.variables.first {
            if pipeline.assigns { assign(name, result) } else { variables.append((name, result)) }
        }
        return result
    }

    private mutating func evaluate(
        _ command: Command, _ dot: TemplateValue, final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        guard let first = command.operands.first else { return .missing }
        let arguments = Array(command.operands.dropFirst())
        switch first.kind {
        case .field(let names): return try members(names, of: dot, first, arguments, dot, final)
        case .chain(let operand, let names):
            let value = try evaluate(operand, dot)
            return try members(names, of: value, first, arguments, dot, final)
        case .variable(let name, let names):
            let value = try variable(name, first)
            if names.isEmpty { break }
            return try members(names, of: value, first, arguments, dot, final)
        case .identifier(let name): return try function(name, first, command, arguments, dot, final)
        default: break
        }
        guard arguments.isEmpty, final == nil else {
            throw error("can't give argument to non-function \(first)", at: first.description, first.position)
        }
        if case .nilWord = first.kind {
            throw error("nil is not a command", at: "nil", first.position)
        }
        return try evaluate(first, dot)
    }

    /// One operand by itself.
    mutating func evaluate(_ operand: Operand, _ dot: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch operand.kind {
        case .dot: return dot
        case .nilWord: return .missing
        case .bool(let bool): return .bool(bool)
        case .number(_, let constant): return constant.value
        case .string(let text, _): return .string(text)
        case .field(let names): return try members(names, of: dot, operand, [], dot, nil)
        case .variable(let name, let names):
            return try members(names, of: try variable(name, operand), operand, [], dot, nil)
        case .identifier(let name):
            return try function(
                name, operand, Command(operands: [operand], position: operand.position), [], dot, nil)
        case .pipeline(let pipeline): return try evaluate(pipeline, dot)
        case .chain(let inner, let names):
            return try members(names, of: try evaluate(inner, dot), operand, [], dot, nil)
        }
    }

    private func variable(_ name: String, _ operand: Operand) throws(TemplateError) -> TemplateValue {
        guard let variable = variables.last(where: { $0.name == name }) else {
            throw error("undefined variable: \(name)", at: operand.description, operand.position)
        }
        return variable.value
    }

    // MARK: Members

    /// Follows a chain of members; arguments go to the last of them.
    private mutating func members(
        _ names: [String], of receiver: TemplateValue, _ node: Operand, _ arguments: [Operand],
        _ dot: TemplateValue,
        _ final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        var value = receiver
        for (index, name) in names.enumerated() {
            guard index == names.count - 1 else {
                value = try member(name, of: value, node, [])
                continue
            }
            var values: [TemplateValue] = []
            for argument in arguments { values.append(try evaluate(argument, dot)) }
            if let final { values.append(final) }
            value = try member(name, of: value, node, values)
        }
        return value
    }

    private func member(
        _ name: String, of receiver: TemplateValue, _ node: Operand, _ arguments: [TemplateValue]
    ) throws(TemplateError) -> TemplateValue {
        func failure(_ reason: String) -> TemplateError { error(reason, at: node.description, node.position) }
        switch receiver.resolved {
        case .missing: return try memberOfNothing(name, receiver, failure)
        case .record(let record):
            do throws(FunctionError) {
                if let value = try record.member(name, arguments) { return value }
            } catch {
                throw failure("error calling \(name): \(error.message)")
            }
            throw failure("can't evaluate field \(name) in type \(record.typeName)")
        case .json(let value, .structure(let structure)):
            guard let field = structure.field(name) else {
                throw failure("can't evaluate field \(name) in type \(Self.receiverName(receiver))")
            }
            guard arguments.isEmpty else {
                throw failure("\(name) has arguments but cannot be invoked as function")
            }
            return .json(value[field.key] ?? .null, field.type)
        case .json(let value, .map(let element)):
            guard arguments.isEmpty else { throw failure("\(name) is not a method but has arguments") }
            if let member = value[name] { return .json(member, element) }
            guard missingKey == .error else { return .missing }
            throw failure("map has no entry for key \(GoPrinter.quoted(name))")
        case .json:
            throw failure("can't evaluate field \(name) in type \(Self.receiverName(receiver))")
        }
    }

    private func memberOfNothing(
        _ name: String, _ receiver: TemplateValue, _ failure: (String) -> TemplateError
    ) throws(TemplateError) -> TemplateValue {
        if case .json(_, let type) = receiver { throw failure("nil pointer evaluating \(type.name).\(name)") }
        guard missingKey == .error else { return .missing }
        throw failure("nil data; no entry for key \(GoPrinter.quoted(name))")
    }

    private static func receiverName(_ receiver: TemplateValue) -> String {
        if case .json(let value, .any) = receiver, !value.isNull { return "interface {}" }
        return receiver.typeName
    }

    // MARK: Functions

    private mutating func function(
        _ name: String, _ node: Operand, _ command: Command, _ arguments: [Operand], _ dot: TemplateValue,
        _ final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        let count = arguments.count + (final == nil ? 0 : 1)
        if let complaint = template.functions.argumentComplaint(name, count) {
            throw error(complaint, at: node.description, node.position)
        }
        if name == "and" || name == "or" { return try shortCircuit(name, arguments, dot, final) }
        if name == "call", let callee = arguments.first {
            let type = try evaluate(callee, dot).typeName
            throw error(
                "error calling call: non-function \(callee) of type \(type)", at: command.description,
                command.position)
        }
        let values = try self.arguments(of: name, arguments, dot, final, node)
        do throws(FunctionError) {
            return try template.functions.call(name, values)
        } catch {
            throw self.error(
                "error calling \(name): \(error.message)", at: command.description, command.position)
        }
    }

    private mutating func arguments(
        of name: String, _ operands: [Operand], _ dot: TemplateValue, _ final: TemplateValue?, _ node: Operand
    ) throws(TemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for (index, operand) in operands.enumerated() {
            let value = try evaluate(operand, dot)
            if template.functions.wantsString(name, at: index), value.text == nil {
                throw error(Self.complaint(operand, value), at: operand.description, operand.position)
            }
            values.append(value)
        }
        guard let final else { return values }
        if template.functions.wantsString(name, at: values.count), final.text == nil {
            throw error(
                "wrong type for value; expected string; got \(final.typeName)", at: node.description,
                node.position)
        }
        return values + [final]
    }

    /// What is wrong with an argument that is no string.
    private static func complaint(_ operand: Operand, _ value: TemplateValue) -> String {
        switch operand.kind {
        case .number, .bool: "expected string; found \(operand)"
        case .nilWord: "cannot assign nil to string"
        default:
            if case .missing = value.resolved {
                "invalid value; expected string"
            } else {
                "wrong type for value; expected string; got \(value.typeName)"
            }
        }
    }

    /// `and` ends with the first argument that is false, `or` with the first that is true.
    private mutating func shortCircuit(
        _ name: String, _ arguments: [Operand], _ dot: TemplateValue, _ final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        var value = TemplateValue.missing
        for argument in arguments {
            value = try evaluate(argument, dot)
            if value.isTrue == (name == "or") { return value }
        }
        return final ?? value
    }
}
