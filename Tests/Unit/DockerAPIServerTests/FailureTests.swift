import HTTPTransport
import NIOCore
import OCIModel
import Testing

@testable import DockerAPIServer

@Suite struct FailureTests {
    @Test(arguments: [
        (ErrorCategory.notFound, 404), (.conflict, 409), (.invalidArgument, 400), (.permissionDenied, 403),
        (.unsupported, 501), (.unavailable, 503), (.internal, 500), (.corrupted, 500),
    ])
    func categoriesHaveDockersStatuses(category: ErrorCategory, status: Int) {
        #expect(category.httpStatus == status)
    }

    @Test func failureKeepsTheMessageAndTheStatusOfItsCategory() {
        let failure = Failure(APIError(.pageNotFound, "page not found"))
        #expect(failure.status == 404)
        #expect(failure.message == "page not found")
        #expect(Failure(HTTPTransportError(.requestCut, "cut")).status == 400)
        #expect(Failure(CancellationError()).isCancellation)
    }

    @Test func errorBodyHasDockersForm() {
        let response = Response.error(status: 404, message: "no \"x\"")
        #expect(String(buffer: response.body) == "{\"message\":\"no \\\"x\\\"\"}\n")
    }
}
