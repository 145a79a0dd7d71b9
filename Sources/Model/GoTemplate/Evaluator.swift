/// Renders a template, as Go's text/template/exec does.
struct Evaluator {
    let template: Template
    let missingKey: Template.MissingKey
    private let data: TemplateValue
    private var output = ""
    var variables: [(name: String, value: TemplateValue)] = []
    /// The template that is being executed, as messages name it.
    private var executing: String
    private var depth = 0

    /// Deeper calls of templates are a loop; Go allows more, on a stack that grows.
    private static let depthLimit = 400

    private enum Flow { case next, breakLoop, continueLoop }

    init(template: Template, missingKey: Template.MissingKey, data: TemplateValue) {
        self.template = template
        self.missingKey = missingKey
        self.data = data
        executing = template.name
    }

    mutating func run() throws(TemplateError) -> String {
        variables = [("$", data)]
        _ = try walk(template.body, data)
        return output
    }

    private mutating func walk(_ nodes: [Node], _ dot: TemplateValue) throws(TemplateError) -> Flow {
        let mark = variables.count
        for node in nodes {
            let flow = try walk(node, dot)
            if flow != .next {
                variables.removeSubrange(mark...)
                return flow
            }
        }
        return .next
    }

    private mutating func walk(_ node: Node, _ dot: TemplateValue) throws(TemplateError) -> Flow {
        switch node {
        case .text(let text): output += text
        case .action(let pipeline):
            let value = try evaluate(pipeline, dot)
            if pipeline.variables.isEmpty { output += GoPrinter.print(value) }
        case .conditional(let branch): return try conditional(branch, dot)
        case .with(let branch): return try with(branch, dot)
        case .range(let branch): return try range(branch, dot)
        case .template(let name, let pipeline, let position): try call(name, pipeline, dot, position)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    // MARK: Control structures

    private mutating func conditional(_ branch: Branch, _ dot: TemplateValue) throws(TemplateError) -> Flow {
        let mark = variables.count
        defer { variables.removeSubrange(mark...) }
        if try evaluate(branch.pipeline, dot).isTrue { return try walk(branch.body, dot) }
        return try walk(branch.otherwise ?? [], dot)
    }

    private mutating func with(_ branch: Branch, _ dot: TemplateValue) throws(TemplateError) -> Flow {
        let mark = variables.count
        defer { variables.removeSubrange(mark...) }
        let value = try evaluate(branch.pipeline, dot)
        if value.isTrue { return try walk(branch.body, value) }
        return try walk(branch.otherwise ?? [], dot)
    }

    private mutating func range(_ branch: Branch, _ dot: TemplateValue) throws(TemplateError) -> Flow {
        let mark = variables.count
        defer { variables.removeSubrange(mark...) }
        let value = try evaluate(branch.pipeline, dot)
        var isEmpty = true
        if let elements = value.elements {
            for (index, element) in elements.enumerated() {
                isEmpty = false
                if try iterate(branch, .int(Int64(index)), element) { break }
            }
        } else if let entries = value.entries {
            for entry in entries {
                isEmpty = false
                if try iterate(branch, .string(entry.key), entry.value) { break }
            }
        } else if case .json(_, .int) = value.resolved, let count = value.integer {
            var index: Int64 = 0
            while index < count {
                isEmpty = false
                if try iterate(branch, .int(index), .int(index)) { break }
                index += 1
            }
        } else if case .missing = value.resolved {
            isEmpty = true
        } else {
            throw error(
                "range can't iterate over \(GoPrinter.print(value))", at: branch.pipeline.description,
                branch.pipeline.position)
        }
        return isEmpty ? try walk(branch.otherwise ?? [], dot) : .next
    }

    /// One round; true where the loop is to end.
    private mutating func iterate(
        _ branch: Branch, _ key: TemplateValue, _ element: TemplateValue
    ) throws(TemplateError) -> Bool {
        let names = branch.pipeline.variables
        let mark = variables.count
        let values = names.count == 2 ? [key, element] : [element]
        for (name, value) in zip(names, values) {
            if branch.pipeline.assigns { assign(name, value) } else { variables.append((name, value)) }
        }
        let flow = try walk(branch.body, element)
        variables.removeSubrange(mark...)
        return flow == .breakLoop
    }

    private mutating func call(
        _ name: String, _ pipeline: Pipeline?, _ dot: TemplateValue, _ position: Int
    ) throws(TemplateError) {
        let context = "{{template \(GoPrinter.quoted(name))\(pipeline.map { " \($0)" } ?? "")}}"
        guard let body = template.definitions[name] else {
            throw error("template \(GoPrinter.quoted(name)) not defined", at: context, position)
        }
        let argument =
            try pipeline.map { pipeline throws(TemplateError) in try evaluate(pipeline, dot) } ?? .missing
        depth += 1
        guard depth <= Self.depthLimit else {
            throw error("exceeded maximum template depth (\(Self.depthLimit))", at: context, position)
        }
        let (outer, outerName) = (variables, executing)
        variables = [("$", argument)]
        executing = name
        _ = try walk(body, argument)
        variables = outer
        executing = outerName
        depth -= 1
    }

    mutating func assign(_ name: String, _ value: TemplateValue) {
        guard let position = variables.lastIndex(where: { $0.name == name }) else { return }
        variables[position].value = value
    }

    // MARK: Messages

    /// - Parameters:
    ///   - context: the source of the node that failed
    ///   - position: its offset
    func error(_ reason: String, at context: String, _ position: Int) -> TemplateError {
        let before = template.source[0..<min(position, template.source.count)]
        let line = 1 + before.count { $0 == 0x0A }
        let column = before.lastIndex(of: 0x0A).map { position - $0 - 1 } ?? position
        let place = "template: \(template.name):\(line):\(column)"
        return TemplateError(
            .execution, "\(place): executing \(GoPrinter.quoted(executing)) at <\(context)>: \(reason)")
    }
}
