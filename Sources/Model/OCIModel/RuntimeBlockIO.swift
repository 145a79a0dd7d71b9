import JSONCodec

/// Limits of block devices' input and output.
package struct RuntimeBlockIO: Sendable, Equatable {
    /// 10 to 1000.
    package var weight: UInt16?
    package var weightDevices: [RuntimeWeightDevice] = []
    package var throttleReadBps: [RuntimeThrottleDevice] = []
    package var throttleWriteBps: [RuntimeThrottleDevice] = []
    package var throttleReadIOPS: [RuntimeThrottleDevice] = []
    package var throttleWriteIOPS: [RuntimeThrottleDevice] = []

    package init() {}

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        weight = try fields.integer("weight")
        weightDevices = try fields.objects("weightDevice", RuntimeWeightDevice.init(fields:))
        throttleReadBps = try fields.objects("throttleReadBpsDevice", RuntimeThrottleDevice.init(fields:))
        throttleWriteBps = try fields.objects("throttleWriteBpsDevice", RuntimeThrottleDevice.init(fields:))
        throttleReadIOPS = try fields.objects("throttleReadIOPSDevice", RuntimeThrottleDevice.init(fields:))
        throttleWriteIOPS = try fields.objects("throttleWriteIOPSDevice", RuntimeThrottleDevice.init(fields:))
        if let leaf: UInt16 = try fields.integer("leafWeight"), leaf != 0 {
            throw RuntimeSpecError(.invalidValue, fields.place("leafWeight"), "is not supported")
        }
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("weight", weight)
        object.set("weightDevice", weightDevices.map(\.json))
        object.set("throttleReadBpsDevice", throttleReadBps.map(\.json))
        object.set("throttleWriteBpsDevice", throttleWriteBps.map(\.json))
        object.set("throttleReadIOPSDevice", throttleReadIOPS.map(\.json))
        object.set("throttleWriteIOPSDevice", throttleWriteIOPS.map(\.json))
        return object.json
    }
}

package struct RuntimeWeightDevice: Sendable, Equatable {
    package var major: Int64
    package var minor: Int64
    /// 10 to 1000.
    package var weight: UInt16

    package init(major: Int64, minor: Int64, weight: UInt16) {
        self.major = major
        self.minor = minor
        self.weight = weight
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        major = try fields.requiredInteger("major")
        minor = try fields.requiredInteger("minor")
        weight = try fields.requiredInteger("weight")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("major", major)
        object.set("minor", minor)
        object.set("weight", weight)
        return object.json
    }
}

package struct RuntimeThrottleDevice: Sendable, Equatable {
    package var major: Int64
    package var minor: Int64
    /// Bytes or operations per second.
    package var rate: UInt64

    package init(major: Int64, minor: Int64, rate: UInt64) {
        self.major = major
        self.minor = minor
        self.rate = rate
    }

    init(fields: RuntimeFields) throws(RuntimeSpecError) {
        major = try fields.requiredInteger("major")
        minor = try fields.requiredInteger("minor")
        rate = try fields.requiredInteger("rate")
    }

    var json: JSONValue {
        var object = RuntimeObject()
        object.set("major", major)
        object.set("minor", minor)
        object.set("rate", rate)
        return object.json
    }
}
