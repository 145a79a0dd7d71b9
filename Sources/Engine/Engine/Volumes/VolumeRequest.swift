/// What a volume is asked for with; what is said besides the name counts only where the volume is made.
package struct VolumeRequest: Sendable, Hashable {
    /// nil for an anonymous one.
    package var name: String?
    package var labels: [String: String] = [:]
    /// Empty for `local`.
    package var driver = ""
    /// Of the driver: `type`, `device`, `o`, `size`.
    package var options: [String: String] = [:]

    package init(name: String?, labels: [String: String] = [:]) {
        self.name = name
        self.labels = labels
    }
}
