/// The flags before the command's name.
enum GlobalFlags {
    static let config = Flag("config", .string, "Folder of the client's configuration files")
    static let context = Flag(
        "context", "c", .string, "Context that names the daemon to talk to; only \"default\" is there")
    static let debug = Flag("debug", "D", .bool, "Turn debug mode on")
    static let host = Flag("host", "H", .list, "Socket of the daemon to talk to")
    static let logLevel = Flag(
        "log-level", "l", .string,
        "Least severe messages to log (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")",
        initial: "info")
    static let tls = Flag("tls", .bool, "Encrypt the connection; implied by --tlsverify")
    static let tlsCA = Flag("tlscacert", .string, "Trust only certificates signed by this authority")
    static let tlsCertificate = Flag("tlscert", .string, "File of the client's certificate")
    static let tlsKey = Flag("tlskey", .string, "File of the client's key")
    static let tlsVerify = Flag("tlsverify", .bool, "Encrypt the connection and verify the daemon")
    static let version = Flag("version", "v", .bool, "Print the client's version and quit")

    static let all = [
        config, context, debug, host, logLevel, tls, tlsCA, tlsCertificate, tlsKey, tlsVerify, version,
    ]
}
