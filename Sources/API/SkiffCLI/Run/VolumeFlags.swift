import JSONCodec

/// What `--volume`, `--mount` and `--tmpfs` ask for.
struct VolumeFlags {
    private(set) var binds: [String] = []
    /// Folders that get anonymous volumes.
    private(set) var anonymous = JSONObject()
    private(set) var mounts: [JSONValue] = []
    private(set) var tmpfs = JSONObject()

    init(_ flags: FlagValues) throws(CommandError) {
        for text in flags.list(RunFlags.volume) { try add(volume: text) }
        for text in flags.list(RunFlags.mount) {
            do throws(UsageError) {
                mounts.append(try MountOption(parsing: text).json)
            } catch {
                throw CommandError(.invalidArgument, error.message)
            }
        }
        for text in flags.list(RunFlags.tmpfs) {
            let (path, options) = text.cut(":") ?? (text, "")
            tmpfs[path] = .string(options)
        }
    }

    private mutating func add(volume text: String) throws(CommandError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if text.isEmpty { throw CommandError(.invalidArgument, "invalid empty volume spec") }
        // Docker takes a text of one or two characters for a folder, whatever it is.
        guard parts.count > 1, text.utf8.count > 2 else {
            anonymous[text] = [:]
            return
        }
        if parts.contains("") {
            throw CommandError(.invalidArgument, "invalid spec: \(text): empty section between colons")
        }
        if parts.count > 3 { throw CommandError(.invalidArgument, "invalid spec: \(text): too many colons") }
        var bind = text
        // A name is a volume's; only `.` at its front makes it a folder relative to this one.
        if text.hasPrefix(".") {
            bind = FilePath.absolute(String(parts[0])) + text.dropFirst(parts[0].count)
        }
        if !binds.contains(bind) { binds.append(bind) }
    }
}
