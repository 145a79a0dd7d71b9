package import LinuxKernel

/// The options of one mount of a specification, sorted by where the kernel takes them.
package struct MountOptions: Equatable {
    /// `MS_*` for mount(2) of a new filesystem.
    package var flags: UInt64 = 0
    /// The same for a bind mount, set and cleared on its top.
    package var set: MountAttributes = []
    package var clear: MountAttributes = []
    /// On it and on everything below (`rro`, …).
    var recursiveSet: MountAttributes = []
    var recursiveClear: MountAttributes = []
    package var propagation: MountPropagation?
    package var propagatesRecursively = false
    /// With the mounts below the source (`rbind`).
    package var bindsRecursively = false
    /// Fills a tmpfs with what it covers.
    var copiesUp = false
    /// Whether the mapping of ids holds for mounts below it too (`ridmap`); nil without one.
    var idMapping: IDMappingReach?
    /// What is left, for the filesystem itself.
    package var data: [String] = []

    /// Sorts the options of `mount`.
    /// - Throws: where the options need something that is not supported
    package init(_ options: [String]) throws(RuntimeError) {
        for option in options { try add(option) }
    }

    private mutating func add(_ option: String) throws(RuntimeError) {
        if let known = Self.table[option] {
            if known.clears { flags &= ~known.flag } else { flags |= known.flag }
            change(known.attribute, clears: known.clears, recursive: false)
        } else if option.first == "r", let known = Self.table[String(option.dropFirst())],
            known.attribute != []
        {
            change(known.attribute, clears: known.clears, recursive: true)
        } else if let propagation = Self.propagations[option] {
            self.propagation = propagation.kind
            propagatesRecursively = propagation.recursive
        } else {
            switch option {
            case "bind": break
            case "rbind": bindsRecursively = true
            case "tmpcopyup": copiesUp = true
            case "idmap": idMapping = .top
            case "ridmap": idMapping = .recursive
            case "defaults", "loud", "": break
            case "remount": throw RuntimeError(.unsupported, "mount option remount is not supported")
            default: data.append(option)
            }
        }
    }

    enum IDMappingReach { case top, recursive }

    private mutating func change(_ attribute: MountAttributes, clears: Bool, recursive: Bool) {
        if attribute == [] { return }
        // An access time mode replaces the others.
        let isAccessTime = !attribute.isDisjoint(with: .accessTimeMask)
        let off: MountAttributes = isAccessTime ? .accessTimeMask : attribute
        if recursive {
            recursiveSet.subtract(off)
            recursiveClear.formUnion(clears || isAccessTime ? off : [])
            if !clears { recursiveSet.formUnion(attribute) }
            if !clears, !isAccessTime { recursiveClear.subtract(attribute) }
        } else {
            set.subtract(off)
            clear.formUnion(clears || isAccessTime ? off : [])
            if !clears { set.formUnion(attribute) }
            if !clears, !isAccessTime { clear.subtract(attribute) }
        }
    }

    private struct Known {
        var flag: UInt64
        var attribute: MountAttributes = []
        var clears = false
    }

    private static let propagations: [String: (kind: MountPropagation, recursive: Bool)] = [
        "shared": (.shared, false), "rshared": (.shared, true), "slave": (.slave, false),
        "rslave": (.slave, true),
        "private": (.private, false), "rprivate": (.private, true), "unbindable": (.unbindable, false),
        "runbindable": (.unbindable, true),
    ]

    static func propagation(_ name: String) -> (kind: MountPropagation, recursive: Bool)? {
        propagations[name]
    }

    /// mount(8)'s words and the kernel's `MS_*` bits.
    private static let table: [String: Known] = [
        "ro": Known(flag: 1, attribute: .readOnly), "rw": Known(flag: 1, attribute: .readOnly, clears: true),
        "nosuid": Known(flag: 2, attribute: .noSetUID),
        "suid": Known(flag: 2, attribute: .noSetUID, clears: true),
        "nodev": Known(flag: 4, attribute: .noDevices),
        "dev": Known(flag: 4, attribute: .noDevices, clears: true),
        "noexec": Known(flag: 8, attribute: .noExecute),
        "exec": Known(flag: 8, attribute: .noExecute, clears: true),
        "sync": Known(flag: 16), "async": Known(flag: 16, clears: true),
        "mand": Known(flag: 64), "nomand": Known(flag: 64, clears: true),
        "dirsync": Known(flag: 128), "silent": Known(flag: 32768),
        "nosymfollow": Known(flag: 256, attribute: .noSymlinks),
        "symfollow": Known(flag: 256, attribute: .noSymlinks, clears: true),
        "noatime": Known(flag: 1024, attribute: .noAccessTime),
        "atime": Known(flag: 1024, attribute: .noAccessTime, clears: true),
        "nodiratime": Known(flag: 2048, attribute: .noDirectoryAccessTime),
        "diratime": Known(flag: 2048, attribute: .noDirectoryAccessTime, clears: true),
        "relatime": Known(flag: 1 << 21), "norelatime": Known(flag: 1 << 21, clears: true),
        "iversion": Known(flag: 1 << 23), "noiversion": Known(flag: 1 << 23, clears: true),
        "strictatime": Known(flag: 1 << 24, attribute: .strictAccessTime),
        "nostrictatime": Known(flag: 1 << 24, attribute: .strictAccessTime, clears: true),
        "lazytime": Known(flag: 1 << 25), "nolazytime": Known(flag: 1 << 25, clears: true),
    ]

    /// Every option that is not a filesystem's own, for `features`.
    static var names: [String] {
        let plain = Array(table.keys)
        let recursive = table.filter { $0.value.attribute != [] }.keys.map { "r\($0)" }
        return (plain + recursive + propagations.keys + ["bind", "rbind", "tmpcopyup", "defaults"]).sorted()
    }
}
