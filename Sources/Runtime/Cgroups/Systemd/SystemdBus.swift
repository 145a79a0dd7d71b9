/// Asks systemd for scopes (org.freedesktop.systemd1(5), "The Manager Object"). Blocking.
struct SystemdBus {
    private static let destination = "org.freedesktop.systemd1"
    private static let path = "/org/freedesktop/systemd1"
    private static let interface = "org.freedesktop.systemd1.Manager"

    private let connection: DBusConnection

    init() throws(CgroupError) {
        do throws(DBusConnection.Failure) {
            connection = try DBusConnection()
            guard !connection.isPrivate else { return }
            // On the bus, signals come only to those who ask.
            _ = try connection.call(
                DBusMessage(
                    call: "AddMatch", on: "org.freedesktop.DBus", path: "/org/freedesktop/DBus",
                    to: "org.freedesktop.DBus",
                    body: [.string("type='signal',interface='\(Self.interface)',member='JobRemoved'")]))
            _ = try call("Subscribe", [])
        } catch {
            throw Self.error(error, "cannot reach systemd")
        }
    }

    /// Makes a scope with a process in it, and waits until it is there. What has its name and is over goes before.
    func startScope(_ unit: SystemdUnit, _ properties: [UnitProperties.Property]) throws(CgroupError) {
        for attempt in 1...3 {
            do throws(DBusConnection.Failure) {
                let result = try job(
                    "StartTransientUnit",
                    [
                        .string(unit.name), .string("replace"),
                        .array(
                            of: "(sv)", properties.map { .structure([.string($0.name), .variant($0.value)]) }),
                        .array(of: "(sa(sv))", []),
                    ])
                guard result == "done" else {
                    throw .refused(name: "", message: "its start ended with \"\(result)\"")
                }
                return
            } catch {
                guard case .refused("org.freedesktop.systemd1.UnitExists", _) = error, attempt < 3 else {
                    throw Self.error(error, "cannot start \(unit.name)")
                }
            }
            try stop(unit)
        }
    }

    /// Ends a unit; nothing to do where there is none.
    func stop(_ unit: SystemdUnit) throws(CgroupError) {
        do throws(DBusConnection.Failure) {
            _ = try job("StopUnit", [.string(unit.name), .string("replace")])
            _ = try call("ResetFailedUnit", [.string(unit.name)])
        } catch {
            if case .refused("org.freedesktop.systemd1.NoSuchUnit", _) = error { return }
            throw Self.error(error, "cannot stop \(unit.name)")
        }
    }

    /// Ends a unit without processes, and does not wait for it; nothing to do where there is none.
    func discard(_ unit: SystemdUnit) throws(CgroupError) {
        do throws(DBusConnection.Failure) {
            _ = try call("StopUnit", [.string(unit.name), .string("replace")])
        } catch {
            if case .refused("org.freedesktop.systemd1.NoSuchUnit", _) = error { return }
            throw Self.error(error, "cannot stop \(unit.name)")
        }
    }

    /// Changes properties until the unit ends.
    func set(_ properties: [UnitProperties.Property], of unit: SystemdUnit) throws(CgroupError) {
        do throws(DBusConnection.Failure) {
            _ = try call(
                "SetUnitProperties",
                [
                    .string(unit.name), .boolean(true),
                    .array(
                        of: "(sv)", properties.map { .structure([.string($0.name), .variant($0.value)]) }),
                ])
        } catch {
            throw Self.error(error, "cannot change \(unit.name)")
        }
    }

    private func call(_ member: String, _ body: [DBusValue]) throws(DBusConnection.Failure) -> [DBusValue] {
        try connection.call(
            DBusMessage(call: member, on: Self.interface, path: Self.path, to: Self.destination, body: body))
    }

    /// A call that is answered by the path of a job, whose end comes as a signal.
    /// - Returns: the job's result, `done` where it succeeded
    private func job(_ member: String, _ body: [DBusValue]) throws(DBusConnection.Failure) -> String {
        guard let job = try call(member, body).first?.text else {
            throw .protocolViolation("\(member) was not answered by a job")
        }
        let end = try connection.signal { message in
            message.member == "JobRemoved" && message.body.count == 4 && message.body[1].text == job
        }
        return end.body[3].text ?? ""
    }

    private static func error(_ failure: DBusConnection.Failure, _ what: String) -> CgroupError {
        switch failure {
        case .system(let error): CgroupError(.failed, "\(what): systemd", cause: error)
        case .protocolViolation(let reason): CgroupError(.failed, "\(what): systemd's answer: \(reason)")
        case .refused(let name, let message):
            CgroupError(
                name == "org.freedesktop.systemd1.UnitExists" ? .busy : .failed,
                "\(what): systemd: \(message)")
        case .timedOut: CgroupError(.failed, "\(what): systemd did not answer in time")
        }
    }
}
