import Engine

// Types of the engine that the wire has a type of the same name for. The module cannot qualify them: its class has
// its name.
typealias EngineMountPoint = MountPoint
typealias EngineThrottleDevice = ThrottleDevice
typealias EngineDeviceMapping = DeviceMapping
typealias EngineUlimit = Ulimit
typealias EngineRestartPolicy = RestartPolicy
typealias EngineHealthResult = HealthResult
