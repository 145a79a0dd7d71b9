package import JSONCodec

/// One line of the answers of load, import, pull and build.
package struct StreamMessage: WireType {
    @OmitEmpty package var stream: String = ""
    @OmitEmpty package var status: String = ""
    package var progressDetail: ProgressDetail?
    @OmitEmpty package var progress: String = ""
    @OmitEmpty package var id: String = ""
    package var errorDetail: ErrorDetail?
    @OmitEmpty package var error: String = ""
    /// What a program wants of it: the digest that a push made.
    package var aux: JSONValue?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case stream
        case status
        case progressDetail
        case progress
        case id
        case errorDetail
        case error
        case aux
    }
}

package struct ProgressDetail: WireType {
    @OmitEmpty package var current: Int64 = 0
    @OmitEmpty package var total: Int64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case current
        case total
    }
}

package struct ErrorDetail: WireType {
    @OmitEmpty package var code: Int = 0
    @Member package var message: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case code
        case message
    }
}

/// Every error's body.
package struct ErrorResponse: WireType {
    @Member package var message: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case message
    }
}
