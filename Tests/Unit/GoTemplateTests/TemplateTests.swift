import GoTemplate
import JSONCodec
import Testing

/// What Go's text/template prints for the same template and data.
@Suite struct TemplateTests {
    static let data: JSONValue = [
        "Name": "web", "Count": 3, "Ratio": .double(1.5), "Big": 123_456_789_012, "On": true, "Off": false,
        "Empty": "",
        "None": nil, "List": ["a", "b", "c"], "Numbers": [1, 2, 3], "Nothing": [],
        "Map": ["b": "2", "a": "1"], "State": ["Pid": 42, "Health": ["Status": "healthy"]],
        "Mounts": [["Source": "/a", "RW": true], ["Source": "/b", "RW": false]], "Markup": "<a href=\"x\">'&",
    ]

    static func render(_ text: String, _ data: JSONValue = data) throws -> String {
        try Template(parsing: text).render(TemplateValue(data))
    }

    @Test(arguments: [
        ("plain", "plain"), ("{{.Name}}", "web"), ("{{.Count}} {{.Ratio}} {{.Big}}", "3 1.5 123456789012"),
        ("{{.On}}{{.Off}}", "truefalse"), ("{{.None}}", "<no value>"), ("{{.Missing}}", "<no value>"),
        ("{{.State.Pid}}", "42"), ("{{.State.Health.Status}}", "healthy"), ("{{$.Name}}", "web"),
        ("{{.List}} {{.Map}} {{.Nothing}}", "[a b c] map[a:1 b:2] []"),
        ("{{.State}}", "map[Health:map[Status:healthy] Pid:42]"),
        ("{{json .State}}", #"{"Pid":42,"Health":{"Status":"healthy"}}"#),
        ("{{json .Markup}}", #""<a href=\"x\">'&""#),
        ("{{ .Name -}}  x  {{- .Name }}", "webxweb"), ("a{{/* comment */}}b", "ab"),
        ("a {{- /* c */ -}} b", "ab"),
        ("{{`raw\\n`}}{{\"a\\tb\"}}{{'a'}}", "raw\\na\tb97"),
        ("{{0x10}} {{1e3}} {{-5}} {{1_000}} {{.5}}", "16 1000 -5 1000 0.5"),
        ("{{true}} {{print nil}}", "true <nil>"),
    ])
    func valuesPrintAsInGo(_ template: String, _ expected: String) throws {
        #expect(try Self.render(template) == expected)
    }

    @Test(arguments: [
        ("{{if .On}}y{{else}}n{{end}}", "y"), ("{{if .Off}}a{{else if .On}}b{{else}}c{{end}}", "b"),
        ("{{if .Empty}}y{{else}}n{{end}}", "n"), ("{{with .State}}{{.Pid}}{{end}}", "42"),
        ("{{with .None}}y{{else}}n{{end}}", "n"), ("{{with .Off}}a{{else with .Name}}{{.}}{{end}}", "web"),
        ("{{range .List}}[{{.}}]{{end}}", "[a][b][c]"),
        ("{{range $i, $e := .List}}{{$i}}={{$e}} {{end}}", "0=a 1=b 2=c "),
        ("{{range $k, $v := .Map}}{{$k}}:{{$v}};{{end}}", "a:1;b:2;"),
        ("{{range .Nothing}}x{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range .List}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"),
        ("{{range .List}}{{.}}{{break}}{{end}}", "a"), ("{{range .Mounts}}{{.Source}} {{end}}", "/a /b "),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
        ("{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .Name}}", "<web>"),
        ("{{block \"b\" .Count}}({{.}}){{end}}", "(3)"),
        ("{{define \"t\"}}{{$}}{{end}}{{range .List}}{{template \"t\" .}}{{end}}", "abc"),
    ])
    func controlStructuresWorkAsInGo(_ template: String, _ expected: String) throws {
        #expect(try Self.render(template) == expected)
    }

    @Test(arguments: [
        ("{{len .List}} {{len .Map}} {{len .Name}}", "3 2 3"),
        ("{{index .List 1}} {{index .Map \"a\"}}", "b 1"),
        ("{{index .Mounts 1 \"Source\"}}", "/b"), ("{{(index .Mounts 0).Source}}", "/a"),
        ("{{slice .List 1 2}}", "[b]"),
        ("{{slice .Name 1}}", "eb"),
        ("{{eq .Count 3}} {{eq .Name \"x\" \"web\"}} {{ne .Count 4}}", "true true true"),
        ("{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 1 2}}", "true true false false"),
        ("{{and .On .Name}} {{or .Off .Name}}", "web web"),
        ("{{not .On}}", "false"), ("{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3"),
        ("{{println \"a\" 1}}", "a 1\n"),
        (
            "{{printf \"%s-%d-%5.2f|%-5s|%05d|%x|%q|%v\" .Name .Count .Ratio \"ab\" 42 255 \"q\" .List}}",
            "web-3- 1.50|ab   |00042|ff|\"q\"|[a b c]"
        ),
        ("{{printf \"%d\" \"x\"}}", "%!d(string=x)"), ("{{printf \"%d\"}}", "%!d(MISSING)"),
        ("{{printf \"a\" 1}}", "a%!(EXTRA int=1)"),
        ("{{html .Markup}}", "&lt;a href=&#34;x&#34;&gt;&#39;&amp;"), ("{{urlquery \"a b&c\"}}", "a+b%26c"),
        ("{{join .List \"-\"}} {{upper .Name}} {{lower \"AB\"}} {{title \"a bc\"}}", "a-b-c WEB ab A Bc"),
        ("{{split \"a,b\" \",\"}} {{pad \"x\" 1 2}}| {{truncate .Name 2}}", "[a b]  x  | we"),
        ("{{.Name | printf \"%s-%s\" \"a\"}}", "a-web"), ("{{(.Name)}}{{len (slice .List 1)}}", "web2"),
        ("{{eq .None nil}}", "true"),
        ("{{1e100}} {{0.00001}} {{1e6}} {{123456.5}}", "1e+100 1e-05 1e+06 123456.5"),
    ])
    func functionsWorkAsInGo(_ template: String, _ expected: String) throws {
        #expect(try Self.render(template) == expected)
    }

    @Test func structuresKnowTheirFields() throws {
        let type = GoStructure(
            "T",
            [
                .init("ID", key: "Id", .string), .init("Health", .pointer(.any)),
                .init("Labels", .map(.string)),
            ])
        let value = TemplateValue.json(["Id": "x", "Extra": 1], .structure(type))
        #expect(
            try Template(parsing: "{{.ID}} {{.Health}} {{.Labels}} {{if .Health}}y{{end}}").render(value)
                == "x <nil> map[] ")
        #expect(
            throws: TemplateError(
                .execution, "template: :1:2: executing \"\" at <.Extra>: can't evaluate field Extra in type T"
            )
        ) {
            _ = try Template(parsing: "{{.Extra}}").render(value)
        }
    }
}
