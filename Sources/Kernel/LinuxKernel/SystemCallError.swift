import Glibc

/// A failed system call: which, why, and on what.
package struct SystemCallError: Error, Equatable, CustomStringConvertible {
    /// The call's name as in section 2 of the manual, such as `openat2`.
    package let call: String
    /// The error number, such as `ENOENT`.
    package let errno: Int32
    /// What the call worked on: a path, a process, an interface; empty where there is nothing to name.
    package let subject: String

    package init(call: String, errno: Int32, subject: String = "") {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// Takes the calling thread's errno; nothing else may run between the failure and this.
    package init(call: String, subject: String = "") {
        self.init(call: call, errno: Glibc.errno, subject: subject)
    }

    package var description: String {
        let reason = String(cString: strerror(errno))
        return subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

/// Runs a call that reports failure as -1 and errno, again where a signal interrupted it.
@discardableResult
package func systemCall<T: SignedInteger>(
    _ call: StaticString, _ subject: @autoclosure () -> String = "", _ body: () -> T
) throws(SystemCallError) -> T {
    while true {
        let result = body()
        if result != -1 { return result }
        let errno = Glibc.errno
        guard errno == EINTR else { throw SystemCallError(call: "\(call)", errno: errno, subject: subject()) }
    }
}

/// Runs a call that returns the negated errno (those of `CLinux`), again where a signal interrupted it.
@discardableResult
package func rawCall<T: SignedInteger & FixedWidthInteger>(
    _ call: StaticString, _ subject: @autoclosure () -> String = "", _ body: () -> T
) throws(SystemCallError) -> T {
    while true {
        let result = body()
        if result >= 0 { return result }
        let errno = Int32(-Int64(result))
        guard errno == EINTR else { throw SystemCallError(call: "\(call)", errno: errno, subject: subject()) }
    }
}
