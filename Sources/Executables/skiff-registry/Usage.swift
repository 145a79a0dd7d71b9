import RegistryServer

enum Usage {
    static var text: String {
        let width = 34
        var text = """
            Usage:  skiff registry serve [OPTIONS]
                    skiff registry collect [OPTIONS]

            Serves container images to every client of the OCI distribution specification. `collect` removes what
            nobody uses from a registry that is not running; one that is running does so by itself, and on SIGUSR1.

            Options (in a JSON file the same names without hyphens in front, and "access", a list of rules):

            """
        var lines = [
            ("--config FILE", "settings in a JSON file; flags beat it"),
            ("--validate", "only checks the settings"),
        ]
        lines += SettingsReader.keys.map {
            ("--\($0.name)\($0.value.isEmpty ? "" : " \($0.value)")", $0.help)
        }
        for (flag, help) in lines {
            text += "  \(flag)\(String(repeating: " ", count: max(1, width - flag.count)))\(help)\n"
        }
        return text
    }
}
