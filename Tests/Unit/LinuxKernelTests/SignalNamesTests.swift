import LinuxKernel
import Testing

struct SignalNamesTests {
    @Test(
        arguments: [
            ("TERM", 15), ("SIGTERM", 15), ("sigkill", 9), ("hup", 1), ("15", 15), ("64", 64), ("RTMIN", 34),
            ("SIGRTMIN+3", 37), ("RTMAX", 64), ("RTMAX-2", 62), ("WINCH", 28), ("SYS", 31), ("POLL", 29),
            ("IOT", 6),
        ] as [(String, Int32)])
    func aNameOrNumberIsFound(_ text: String, _ number: Int32) { #expect(SignalNames.number(text) == number) }

    @Test(arguments: ["", "0", "65", "-1", "SIG", "NOPE", "RTMIN+31", "RTMAX+1", "RTMIN+x", "9x"])
    func anythingElseIsRefused(_ text: String) { #expect(SignalNames.number(text) == nil) }
}
