import Glibc
import SkiffCLI

let words = CommandLine.arguments
exit(Dispatcher(program: words.first ?? "skiff").run(Array(words.dropFirst())))
