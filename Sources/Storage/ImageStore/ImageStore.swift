/// Blobs, images and unpacked layers of one data root. Blocking and thread-safe; has no actors of its own.
package final class ImageStore: Sendable {
    init() {}
}
