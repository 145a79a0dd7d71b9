package import RegistryClient

/// What the executable decides about registries.
package struct RegistrySettings: Sendable {
    package var client = RegistryConfiguration()
    /// Layers of one pull that come at the same time.
    package var parallelDownloads = 6
    /// Layers of one push that go at the same time.
    package var parallelUploads = 5
    /// Whether layers are also kept compressed, as they came.
    package var keepsCompressedLayers = true

    package init() {}
}
