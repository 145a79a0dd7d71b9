import Cgroups
import LinuxKernel
import OCIRuntime
import ShimProtocol

/// Runs system calls whose failure the daemon is told of.
func wrapped<T>(
    _ operation: String, _ body: () throws(SystemCallError) -> T
) throws(ShimError) -> T {
    do throws(SystemCallError) {
        return try body()
    } catch {
        throw ShimError(.inputOutput, "\(operation): \(error)", exitCode: 125)
    }
}

/// Runs a step of the runtime whose failure the daemon is told of, with Docker's wording and exit code.
func started<T>(_ body: () throws(RuntimeError) -> T) throws(ShimError) -> T {
    do throws(RuntimeError) {
        return try body()
    } catch {
        throw ShimError(error.shimCode, error.message, exitCode: error.exitStatus)
    }
}

func controlled<T>(_ body: () throws(CgroupError) -> T) throws(ShimError) -> T {
    do throws(CgroupError) {
        return try body()
    } catch {
        throw ShimError(error.shimCode, error.message, exitCode: 125)
    }
}

extension RuntimeError {
    var shimCode: ShimError.Code {
        switch code {
        case .executableNotFound, .executableNotRunnable, .workingDirectory: .cannotStart
        case .unknownUser, .invalidSpecification: .invalidValue
        case .unsupported: .unsupported
        case .notFound: .notFound
        case .wrongState: .wrongState
        case .permissionDenied: .notPermitted
        case .setupFailed, .childDied, .hookFailed: .internal
        }
    }
}

extension CgroupError {
    var shimCode: ShimError.Code {
        switch code {
        case .notMounted, .unsupported: .unsupported
        case .invalidPath, .invalidValue: .invalidValue
        case .busy: .conflict
        case .failed: .inputOutput
        case .notFound: .notFound
        }
    }
}
