import Glibc

exit(Compilation.run(CommandLine.arguments))
