import GoTemplate
import JSONCodec
import OCIModel
import Testing

@testable import SkiffCLI

@Suite struct FormatTests {
    @Test(arguments: [
        (0.0, 3, "0B"), (999, 3, "999B"), (1000, 3, "1kB"), (1_984_132, 3, "1.98MB"),
        (1_984_132, 4, "1.984MB"),
        (999_999, 3, "1e+03kB"), (123_456_789, 3, "123MB"), (1_000_000_000_000, 3, "1TB"),
    ])
    func sizesHaveSignificantDigits(_ bytes: Double, _ digits: Int, _ text: String) {
        #expect(HumanUnits.size(bytes, digits: digits) == text)
    }

    @Test func memoryIsInPowersOf1024() { #expect(HumanUnits.binarySize(25_276_510_208) == "23.54GiB") }

    @Test func tablesAlignLikeTabwriter() {
        #expect(
            TableWriter().align("A\tB\tC\nlonger text\tx\ty\n")
                == "A             B         C\nlonger text   x         y\n")
        #expect(TableWriter().align("a\tb\nplain\nc\td\n") == "a         b\nplain\nc         d\n")
        #expect(TableWriter().align("é\tb\n") == "é         b\n")
    }

    @Test func neighbouringPortsMerge() throws {
        func port(_ inside: Int64, _ outside: Int64?, _ address: String?) -> JSONValue {
            var object = JSONObject()
            object["PrivatePort"] = .integer(inside)
            object["Type"] = "tcp"
            if let outside { object["PublicPort"] = .integer(outside) }
            if let address { object["IP"] = .string(address) }
            return .object(object)
        }
        let ports =
            [9002, 9000, 9001].map { port($0, $0, "0.0.0.0") } + [
                port(80, 8080, "0.0.0.0"), port(80, 8080, "::"), port(443, nil, nil), port(444, nil, nil),
                port(500, nil, nil),
            ]
        #expect(
            PortText.text(ports)
                == "443-444/tcp, 500/tcp, 0.0.0.0:9000-9002->9000-9002/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"
        )
    }

    @Test func listFormatsPrintTablesAndTemplates() throws {
        let rows = [ListRow("row", labels: ["a.b-c": "v"], [("ID", "1"), ("Name", "<x>")])]
        let headers = ["ID": "THE ID", "Name": "NAME"]
        #expect(
            try ListFormat("", table: "{{.ID}}\\t{{.Name}}").render(rows, headers: headers)
                == "THE ID    NAME\n1         <x>\n")
        #expect(
            try ListFormat("table {{.Label \"a.b-c\"}}\\t{{upper .Name}}", table: "").render(
                rows, headers: headers) == "b c       NAME\nv         <X>\n")
        #expect(
            try ListFormat("json", table: "").render(rows, headers: headers)
                == "{\"ID\":\"1\",\"Name\":\"\\u003cx\\u003e\"}\n")
        #expect(try ListFormat("{{.ID}}-{{.Name}}", table: "").render(rows, headers: headers) == "1-<x>\n")
        let error = #expect(throws: CommandError.self) {
            _ = try ListFormat("{{.Foo}}", table: "").render(rows, headers: headers)
        }
        #expect(
            error?.message
                == "failed to execute template: template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in type row"
        )
    }

    @Test func imageNamesExpandToRows() {
        let image: JSONValue = ["RepoTags": ["busybox:latest", "busybox:1"], "RepoDigests": []]
        #expect(ImageRows.names(image, digests: false).map(\.tag) == ["latest", "1"])
        #expect(ImageRows.names(["RepoTags": [], "RepoDigests": []], digests: false) == [ImageRows.Name()])
    }

    @Test func dockersDateFormIsPrinted() {
        #expect(LocalTime.ansi(Timestamp(seconds: 1_778_188_176)) == "Thu May  7 21:09:36 2026")
    }

    @Test func naturalOrderCountsDigits() {
        #expect(NaturalOrder.precedes("n2", "n10"))
        #expect(!NaturalOrder.precedes("n10", "n2"))
        #expect(NaturalOrder.precedes("a", "b"))
        #expect(!NaturalOrder.precedes("a", "a"))
    }
}
