/// Why a template was refused, in the words of Go's text/template.
package struct TemplateError: Error, Equatable, CustomStringConvertible {
    package enum Code: Sendable { case parsing, execution }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// Why a function or a member refused its arguments; the evaluator adds the place.
package struct FunctionError: Error {
    package let message: String

    package init(_ message: String) { self.message = message }
}
