import GoTemplate
import JSONCodec
import Testing

@Suite struct TemplateErrorTests {
    @Test(arguments: [
        ("{{.A", "template: :1: unclosed action"), ("{{", "template: :1: unclosed action"),
        ("{{nofunc}}", "template: :1: function \"nofunc\" not defined"),
        ("{{$x}}", "template: :1: undefined variable \"$x\""),
        ("{{if}}{{end}}", "template: :1: missing value for if"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{if .A}}", "template: :1: unexpected EOF"),
        ("\n{{\"a}}", "template: :2: unterminated quoted string"),
        ("{{(.A}}", "template: :1: unclosed left paren"), ("{{.A)}}", "template: :1: unexpected right paren"),
        ("{{break}}", "template: :1: {{break}} outside {{range}}"),
        ("{{/* a}}", "template: :1: unclosed comment"),
        ("{{1 | 2}}", "template: :1: non executable command in pipeline stage 2"),
    ])
    func malformedTemplatesAreRefusedInGosWords(_ template: String, _ message: String) {
        #expect(throws: TemplateError(.parsing, message)) { _ = try Template(parsing: template) }
    }

    @Test(arguments: [
        ("{{.Foo}}", "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\""),
        (
            "a\nb{{.Name.X}}",
            "template: :2:8: executing \"\" at <.Name.X>: can't evaluate field X in type interface {}"
        ),
        (
            "{{index .List 9}}",
            "template: :1:2: executing \"\" at <index .List 9>: error calling index: index out of range: 9"
        ),
        ("{{len 3}}", "template: :1:2: executing \"\" at <len 3>: error calling len: len of type int"),
        (
            "{{eq 1 \"a\"}}",
            "template: :1:2: executing \"\" at <eq 1 \"a\">: error calling eq: incompatible types for comparison"
        ),
        (
            "{{template \"x\"}}",
            "template: :1:11: executing \"\" at <{{template \"x\"}}>: template \"x\" not defined"
        ),
    ])
    func failuresNameThePlace(_ template: String, _ message: String) throws {
        let data: JSONValue = ["Name": "web", "List": ["a"]]
        var text = ""
        do {
            _ = try Template(parsing: template).render(TemplateValue(data), missingKey: .error)
        } catch { text = "\(error)" }
        #expect(text == message)
    }

    @Test func recursionEnds() {
        #expect(throws: TemplateError.self) {
            _ = try Template(parsing: "{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}")
                .render(.missing)
        }
        let deep = String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
        #expect(throws: TemplateError.self) { _ = try Template(parsing: "{{\(deep)}}") }
    }

    /// Pieces of templates in random order, and templates with random bytes changed: every one ends.
    @Test func anyTextEndsInTextOrAnError() {
        let pieces = [
            "{{", "}}", "{{-", "-}}", " ", ".", ".Name", ".List", "$", "$x", ":=", "=", "|", "(", ")", "if",
            "else", "end",
            "range", "with", "define", "template", "block", "break", "continue", "\"a\"", "`", "'", "1", "-1",
            "0x", "eq",
            "index", "slice", "len", "printf", "\"%d%s%*v\"", "json", "join", "and", "or", "not", "/*", "*/",
            "text", ",",
            "{{range .List}}", "{{end}}", "{{if .Name}}", "{{.Name}}", "nil", "true", "é", "\u{0}", "\n",
        ]
        var random = SplitMix(state: 20_261_121)
        for _ in 0..<4000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...14, using: &random) {
                text += pieces.randomElement(using: &random) ?? ""
                if Bool.random(using: &random) { text += " " }
            }
            if let template = try? Template(parsing: text) {
                _ = try? template.render(TemplateValue(TemplateTests.data), missingKey: .error)
            }
        }
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
