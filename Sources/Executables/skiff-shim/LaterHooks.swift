import OCIModel
import OCIRuntime

/// What is kept of a specification for the hooks that run when its process runs, and when that has ended.
struct LaterHooks {
    let afterStart: [RuntimeHook]
    let afterEnd: [RuntimeHook]
    let annotations: [String: String]

    /// Nil where there are none.
    init?(_ spec: RuntimeSpec) {
        guard !spec.hooks.poststart.isEmpty || !spec.hooks.poststop.isEmpty else { return nil }
        afterStart = spec.hooks.poststart
        afterEnd = spec.hooks.poststop
        annotations = spec.annotations
    }
}

extension Shim {
    /// Runs the hooks for a status that the container has come to. A failure is reported, and changes nothing else.
    func runHooks(_ container: Container, _ status: RuntimeState.Status) {
        guard let hooks = container.hooks else { return }
        let isRunning = status == .running
        let state = RuntimeState(
            id: container.id, status: status, pid: isRunning ? container.pid : nil, bundle: folder,
            annotations: hooks.annotations)
        let failures = HookRunner.runAll(
            isRunning ? hooks.afterStart : hooks.afterEnd, isRunning ? "poststart" : "poststop", state)
        for failure in failures { warn(failure.message) }
    }
}
