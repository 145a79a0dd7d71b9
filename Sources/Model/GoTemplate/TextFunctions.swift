import JSONCodec

/// `print`, `println`, `printf`, `html`, `js` and `urlquery`.
enum TextFunctions {
    static func call(_ name: String, _ arguments: [TemplateValue]) throws(FunctionError) -> String {
        switch name {
        case "print": return print(arguments)
        case "println": return arguments.map(GoPrinter.format).joined(separator: " ") + "\n"
        case "html": return html(print(arguments))
        case "js": return javaScript(print(arguments))
        case "urlquery": return query(print(arguments))
        default:
            guard let format = arguments[0].text else {
                throw FunctionError("expected a string, got \(arguments[0].typeName)")
            }
            var printf = Printf(format: format, arguments: Array(arguments.dropFirst()))
            return printf.run()
        }
    }

    /// Spaces go between operands of which neither is a string.
    static func print(_ arguments: [TemplateValue]) -> String {
        var output = ""
        for (index, argument) in arguments.enumerated() {
            if index > 0, argument.text == nil, arguments[index - 1].text == nil { output += " " }
            output += GoPrinter.format(argument)
        }
        return output
    }

    private static func html(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "&#34;"
            case "'": output += "&#39;"
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\0": output += "\u{FFFD}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    private static func javaScript(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": output += "\\\\"
            case "'": output += "\\'"
            case "\"": output += "\\\""
            case "<", ">", "&", "=":
                output += "\\u00" + String(scalar.value, radix: 16, uppercase: true)
            case _ where scalar.value < 0x20:
                output +=
                    "\\u00" + (scalar.value < 16 ? "0" : "")
                    + String(scalar.value, radix: 16, uppercase: true)
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    private static func query(_ text: String) -> String {
        var output: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: output.append(byte)
            case 0x20: output.append(UInt8(ascii: "+"))
            default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
