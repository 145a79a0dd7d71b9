import Glibc
import LinuxKernel
import OCIModel

extension LayerIntake.Outcome {
    /// Lets the compressed bytes go where the archive can be compressed to them again, which is tried first; else keeps
    /// them, and lets the recipe go.
    /// - Parameter blob: the file with the compressed bytes
    /// - Throws: `ImageError` (`cancelled`), `SystemCallError`
    func dropping(
        _ blob: String, _ descriptor: ContentDescriptor, _ compression: Compression,
        isCancelled: @escaping () -> Bool
    ) throws -> LayerIntake.Outcome {
        let path = "\(folder)/\(GzipForm.fileName)"
        if compression == .gzip, let form = try GzipForm(describing: blob, descriptor, isCancelled) {
            let size = try form.write(to: path)
            if Int64(size) < descriptor.size / 2 + 4096, try form.isRight(for: folder) { return self }
            try removeTree(path)
        }
        for name in [LayerRecipe.fileName, LayerRecipe.displacedFolder] {
            let path = "\(folder)/\(name)"
            if fileExists(path) { try removeTree(path) }
        }
        return LayerIntake.Outcome(
            digest: digest,
            record: LayerRecord(
                diffID: record.diffID, size: record.size, archiveSize: record.archiveSize, root: record.root,
                blob: LayerRecord.Blob(digest: digest, size: descriptor.size, compression: compression)),
            folder: folder, blobFile: blob, droppedAttributes: droppedAttributes)
    }
}

extension GzipForm {
    /// - Returns: nil where the blob is of a kind that cannot be described, or not in fewer bytes
    fileprivate init?(
        describing blob: String, _ descriptor: ContentDescriptor, _ isCancelled: @escaping () -> Bool
    ) throws {
        let file = try openFile(blob, O_RDONLY | O_NOFOLLOW)
        let size = Int(descriptor.size)
        guard size > 0 else { return nil }
        let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.rawValue, 0)
        guard let map, map != MAP_FAILED else { throw SystemCallError(call: "mmap", subject: blob) }
        defer { munmap(map, size) }
        do {
            let description = try GzipDescriber.describe(
                UnsafeRawBufferPointer(start: map, count: size), isCancelled: isCancelled)
            self.init(digest: descriptor.digest, size: descriptor.size, description: description)
        } catch is DeflateError {
            return nil
        }
    }

    /// Whether the files in a layer's folder and this file there give the blob.
    fileprivate func isRight(for folder: String) throws -> Bool {
        let source = try CompressingSource(GzipRebuilder(GzipForm(readingFrom: folder))) { sink in
            try LayerRecipeReader(folder: folder).write(to: sink)
        }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { room.deallocate() }
        do {
            while try source.read(into: room) > 0 {}
        } catch let error as ImageError where error.code == .corruptedStore {
            return false
        }
        return source.size == size && source.digest == digest
    }
}
