import OCIModel

/// Weights and rates of block devices.
enum BlockIOController {
    // MARK: Version 1

    static func apply(_ blockIO: RuntimeBlockIO, v1 directory: CgroupDirectory) throws(CgroupError) {
        // The weight files carry the scheduler's name where that is BFQ.
        let prefix = directory.has("blkio.weight") ? "blkio" : "blkio.bfq"
        if let weight = blockIO.weight, weight != 0 {
            try directory.write("\(prefix).weight", String(weight))
        }
        try directory.write(
            "\(prefix).weight_device",
            eachOf: blockIO.weightDevices.map { "\($0.major):\($0.minor) \($0.weight)" })
        func rates(_ devices: [RuntimeThrottleDevice]) -> [String] {
            devices.map { "\($0.major):\($0.minor) \($0.rate)" }
        }
        try directory.write("blkio.throttle.read_bps_device", eachOf: rates(blockIO.throttleReadBps))
        try directory.write("blkio.throttle.write_bps_device", eachOf: rates(blockIO.throttleWriteBps))
        try directory.write("blkio.throttle.read_iops_device", eachOf: rates(blockIO.throttleReadIOPS))
        try directory.write("blkio.throttle.write_iops_device", eachOf: rates(blockIO.throttleWriteIOPS))
    }

    static func read(v1 directory: CgroupDirectory, into blockIO: inout CgroupStatistics.BlockIO) {
        func entries(_ files: String...) -> [CgroupStatistics.BlockIO.Entry] {
            for file in files {
                if let text = try? directory.read(file) { return v1Entries(text) }
            }
            return []
        }
        blockIO.serviceBytes = entries(
            "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes")
        blockIO.serviced = entries("blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced")
    }

    /// Lines such as `8:0 Read 4096`; the sum over all devices (`Total 4096`) is left out.
    static func v1Entries(_ text: String) -> [CgroupStatistics.BlockIO.Entry] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let device = device(fields[0]), let value = UInt64(fields[2]) else {
                return nil
            }
            return .init(major: device.0, minor: device.1, operation: String(fields[1]), value: value)
        }
    }

    private static func device(_ text: Substring) -> (UInt64, UInt64)? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let major = UInt64(parts[0]), let minor = UInt64(parts[1]) else { return nil }
        return (major, minor)
    }

    // MARK: Version 2

    static func apply(_ blockIO: RuntimeBlockIO, v2 directory: CgroupDirectory) throws(CgroupError) {
        let usesBFQ = directory.has("io.bfq.weight")
        if let weight = blockIO.weight, weight != 0 {
            if usesBFQ {
                try directory.write("io.bfq.weight", String(weight))
            } else {
                try directory.write("io.weight", "default \(ioWeight(weight))")
            }
        }
        try directory.write(
            usesBFQ ? "io.bfq.weight" : "io.weight",
            eachOf: blockIO.weightDevices.map {
                "\($0.major):\($0.minor) \(usesBFQ ? UInt64($0.weight) : ioWeight($0.weight))"
            })
        func rates(_ key: String, _ devices: [RuntimeThrottleDevice]) -> [String] {
            devices.map { "\($0.major):\($0.minor) \(key)=\($0.rate == 0 ? "max" : String($0.rate))" }
        }
        try directory.write(
            "io.max",
            eachOf: rates("rbps", blockIO.throttleReadBps) + rates("wbps", blockIO.throttleWriteBps)
                + rates("riops", blockIO.throttleReadIOPS) + rates("wiops", blockIO.throttleWriteIOPS))
    }

    /// 10…1000 to 1…10000.
    static func ioWeight(_ weight: UInt16) -> UInt64 {
        1 + (min(max(UInt64(weight), 10), 1000) - 10) * 9999 / 990
    }

    static func read(v2 directory: CgroupDirectory, into blockIO: inout CgroupStatistics.BlockIO) {
        guard let text = try? directory.read("io.stat") else { return }
        (blockIO.serviceBytes, blockIO.serviced) = v2Entries(text)
    }

    /// Lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
    static func v2Entries(
        _ text: String
    ) -> (bytes: [CgroupStatistics.BlockIO.Entry], operations: [CgroupStatistics.BlockIO.Entry]) {
        var bytes: [CgroupStatistics.BlockIO.Entry] = []
        var operations: [CgroupStatistics.BlockIO.Entry] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let first = fields.first, let device = device(first) else { continue }
            for field in fields.dropFirst() {
                let parts = field.split(separator: "=")
                guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
                func entry(_ operation: String) -> CgroupStatistics.BlockIO.Entry {
                    .init(major: device.0, minor: device.1, operation: operation, value: value)
                }
                switch parts[0] {
                case "rbytes": bytes.append(entry("read"))
                case "wbytes": bytes.append(entry("write"))
                case "rios": operations.append(entry("read"))
                case "wios": operations.append(entry("write"))
                default: continue
                }
            }
        }
        return (bytes, operations)
    }
}

extension CgroupDirectory {
    /// As `write(_:each:)`, but the file need not exist where there is nothing to write.
    func write(_ file: String, eachOf values: [String]) throws(CgroupError) {
        if !values.isEmpty { try write(file, each: values) }
    }
}
