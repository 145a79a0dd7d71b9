/// `create`: makes a container without starting it.
enum ContainerCreate {
    static func command() -> Command {
        Command(
            paths: ["container create", "create"], usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
            summary: "Make a container from an image without starting it", flags: RunFlags.all,
            arguments: .atLeast(1), isInterspersed: false, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let request: CreateRequest
        do throws(CommandError) {
            request = try CreateRequest(flags: invocation.flags, arguments: invocation.arguments)
        } catch {
            throw ContainerRun.refusal(error)
        }
        for warning in request.warnings { Output.error(warning) }
        let id = try ContainerCreation(invocation, request, detached: false).create()
        invocation.session.output.line(id)
        return 0
    }
}
