/// One message of `GET /events`.
package struct EventMessage: WireType {
    @OmitEmpty package var status: String = ""
    @OmitEmpty package var id: String = ""
    @OmitEmpty package var from: String = ""
    @Member package var type: String = ""
    @Member package var action: String = ""
    @Member package var actor: EventActor = EventActor()
    /// `local` or `swarm`.
    @OmitEmpty package var scope: String = ""
    /// Seconds since 1970.
    @Member package var time: Int64 = 0
    @Member package var timeNano: Int64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case status
        case id
        case from
        case type = "Type"
        case action = "Action"
        case actor = "Actor"
        case scope
        case time
        case timeNano
    }
}

package struct EventActor: WireType {
    @Member package var id: String = ""
    @Member package var attributes: [String: String] = [:]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case attributes = "Attributes"
    }
}
