import Networking
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        "0.0.0.0", "255.255.255.255", "172.17.0.2", "::", "::1", "fe80::1", "2001:db8::1:0:0:1",
    ])
    func textOfAnAddressReadsBack(text: String) {
        #expect(IPAddress(text)?.description == text)
    }
}
