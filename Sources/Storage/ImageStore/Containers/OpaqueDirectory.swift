import CLinux

/// Whether a directory of a layer hides those of the layers below it.
func isOpaqueDirectory(_ path: String) -> Bool {
    var value: UInt8 = 0
    return skiff_get_attribute(path, "trusted.overlay.opaque", &value, 1) == 1 && value == UInt8(ascii: "y")
}
