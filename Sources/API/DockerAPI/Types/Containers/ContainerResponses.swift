/// The answer of `POST /containers/create`.
package struct ContainerCreateResponse: WireType {
    @Member package var id: String = ""
    @Member package var warnings: [String] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case warnings = "Warnings"
    }
}

/// The answer of `GET /containers/{id}/top`.
package struct ContainerTopResponse: WireType {
    @Nullable package var processes: [[String]]?
    @Member package var titles: [String] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case processes = "Processes"
        case titles = "Titles"
    }
}

package struct ContainerWaitResponse: WireType {
    package var error: NullableValue<ContainerWaitError>?
    @Member package var statusCode: Int64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case error = "Error"
        case statusCode = "StatusCode"
    }
}

package struct ContainerWaitError: WireType {
    @Member package var message: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case message = "Message"
    }
}
