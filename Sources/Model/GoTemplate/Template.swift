/// A parsed template.
package struct Template: Sendable {
    /// What a map's missing key is worth.
    package enum MissingKey: Sendable {
        /// Prints `<no value>`.
        case noValue
        /// Ends the rendering.
        case error
    }

    let name: String
    let source: [UInt8]
    let body: [Node]
    let definitions: [String: [Node]]
    let functions: FunctionSet

    /// - Parameter name: how messages name the template; Docker's is mostly empty
    /// - Throws: `TemplateError` (parsing), in Go's words
    package init(
        parsing text: String, name: String = "", functions: FunctionSet = .docker
    ) throws(TemplateError) {
        var parser = try Parser(text, name: name, functions: functions.names)
        body = try parser.parse()
        definitions = parser.definitions
        source = Array(text.utf8)
        self.name = name
        self.functions = functions
    }

    /// - Throws: `TemplateError` (execution), in Go's words
    package func render(
        _ data: TemplateValue, missingKey: MissingKey = .noValue
    ) throws(TemplateError) -> String {
        var evaluator = Evaluator(template: self, missingKey: missingKey, data: data)
        return try evaluator.run()
    }

    /// The same template with other functions, such as those that leave a table's header as it is.
    package func with(functions: FunctionSet) -> Template {
        Template(name: name, source: source, body: body, definitions: definitions, functions: functions)
    }

    private init(
        name: String, source: [UInt8], body: [Node], definitions: [String: [Node]], functions: FunctionSet
    ) {
        self.name = name
        self.source = source
        self.body = body
        self.definitions = definitions
        self.functions = functions
    }
}
