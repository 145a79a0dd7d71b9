package import OCIModel

/// A refusal or failure of the registry, with the code that clients are told (distribution-spec, "Error Codes").
package struct RegistryError: CategorizedError {
    package enum Code: String, Sendable, CaseIterable {
        case blobUnknown, uploadInvalid, uploadOutOfOrder, uploadBusy, uploadUnknown, uploadTooOld,
            digestInvalid
        case manifestBlobUnknown, manifestInvalid, manifestTooLarge, manifestUnknown, nameInvalid, nameUnknown
        case sizeInvalid, tagInvalid, pageInvalid, rangeInvalid
        case unauthorized, denied, quotaExceeded, unsupported, readOnly, tooManyRequests
        case pageNotFound, upstreamUnavailable, configurationInvalid, storageFull, contentCorrupted
        case storeInUse, `internal`
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var category: ErrorCategory {
        switch code {
        case .blobUnknown, .uploadUnknown, .manifestUnknown, .nameUnknown, .pageNotFound: .notFound
        case .uploadInvalid, .uploadTooOld, .digestInvalid, .manifestBlobUnknown, .manifestInvalid,
            .manifestTooLarge,
            .nameInvalid, .sizeInvalid, .tagInvalid, .pageInvalid, .rangeInvalid, .configurationInvalid:
            .invalidArgument
        case .uploadOutOfOrder, .uploadBusy, .storeInUse: .conflict
        case .unauthorized, .denied: .permissionDenied
        case .quotaExceeded, .tooManyRequests, .storageFull: .exhausted
        case .unsupported, .readOnly: .unsupported
        case .upstreamUnavailable: .unavailable
        case .contentCorrupted: .corrupted
        case .internal: .internal
        }
    }

    /// The status of the answer.
    package var status: Int {
        switch code {
        case .blobUnknown, .uploadUnknown, .manifestUnknown, .nameUnknown, .pageNotFound: 404
        case .uploadInvalid, .uploadTooOld, .digestInvalid, .manifestBlobUnknown, .manifestInvalid,
            .nameInvalid,
            .sizeInvalid, .tagInvalid, .pageInvalid, .configurationInvalid:
            400
        case .uploadOutOfOrder, .rangeInvalid: 416
        case .uploadBusy, .storeInUse: 409
        case .manifestTooLarge: 413
        case .unauthorized: 401
        case .denied, .quotaExceeded: 403
        case .unsupported, .readOnly: 405
        case .tooManyRequests: 429
        case .upstreamUnavailable: 502
        case .storageFull: 507
        case .contentCorrupted, .internal: 500
        }
    }

    /// The identifier in the body of the answer: one of the specification's where it has one.
    package var identifier: String {
        switch code {
        case .blobUnknown: "BLOB_UNKNOWN"
        case .uploadInvalid, .uploadTooOld, .uploadOutOfOrder, .uploadBusy: "BLOB_UPLOAD_INVALID"
        case .uploadUnknown: "BLOB_UPLOAD_UNKNOWN"
        case .digestInvalid: "DIGEST_INVALID"
        case .manifestBlobUnknown: "MANIFEST_BLOB_UNKNOWN"
        case .manifestInvalid, .manifestTooLarge: "MANIFEST_INVALID"
        case .manifestUnknown: "MANIFEST_UNKNOWN"
        case .nameInvalid: "NAME_INVALID"
        case .nameUnknown: "NAME_UNKNOWN"
        case .sizeInvalid, .rangeInvalid: "SIZE_INVALID"
        case .tagInvalid: "TAG_INVALID"
        case .pageInvalid: "PAGINATION_NUMBER_INVALID"
        case .unauthorized: "UNAUTHORIZED"
        case .denied, .quotaExceeded: "DENIED"
        case .unsupported, .readOnly, .pageNotFound: "UNSUPPORTED"
        case .tooManyRequests: "TOOMANYREQUESTS"
        case .upstreamUnavailable, .storageFull: "UNAVAILABLE"
        case .configurationInvalid, .storeInUse, .contentCorrupted, .internal: "UNKNOWN"
        }
    }
}
