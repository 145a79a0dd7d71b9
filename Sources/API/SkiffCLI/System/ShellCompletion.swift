/// `completion`: scripts that complete command lines in a shell. Each asks `completion offer` for what may follow, so
/// that the three offer the same.
enum ShellCompletion {
    static func command() -> Command {
        Command(
            paths: ["completion"], usage: "bash|zsh|fish",
            summary: "Print the script that completes commands in a shell", arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let program = invocation.session.program
        let output = invocation.session.output
        switch invocation.arguments[0] {
        case "bash": output.write(bash(program))
        case "zsh": output.write(zsh(program))
        case "fish": output.write(fish(program))
        case "offer":
            let offer = CompletionOffer(program: program, line: Array(invocation.arguments.dropFirst()))
            offer.words.forEach(output.line)
        case let shell:
            throw CommandError(.invalidArgument, "completion for \(shell): only bash, zsh and fish are known")
        }
        return 0
    }

    /// Bash begins a new word behind `:` and `=`, where a name such as `busybox:latest` goes on: the line is split
    /// anew, and what bash has as words of their own is cut off.
    private static func bash(_ program: String) -> String {
        """
        _\(program)_complete() {
            local line="${COMP_LINE:0:COMP_POINT}" cut="" at
            local -a words
            read -ra words <<<"$line"
            if [[ $line == *[[:space:]] ]]; then words+=(""); fi
            local word="${words[-1]}"
            if [[ $word == *[:=]* ]]; then cut="${word%"${word##*[:=]}"}"; fi
            COMPREPLY=()
            mapfile -t COMPREPLY < <(\(program) completion offer -- "${words[@]:1}" 2>/dev/null)
            for at in "${!COMPREPLY[@]}"; do COMPREPLY[at]="${COMPREPLY[at]#"$cut"}"; done
        }
        complete -o default -F _\(program)_complete \(program)

        """
    }

    /// Works as a file `_skiff` in `fpath`, and when it is sourced.
    private static func zsh(_ program: String) -> String {
        """
        #compdef \(program)
        _\(program)() {
            local -a offered
            offered=("${(@f)$(\(program) completion offer -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
            offered=("${(@)offered:#}")
            if (( $#offered )); then compadd -a offered; else _files; fi
        }
        if [[ "${funcstack[1]:-}" = _\(program) ]]; then _\(program) "$@"; else compdef _\(program) \(program); fi

        """
    }

    /// Files are offered where nothing else is.
    private static func fish(_ program: String) -> String {
        """
        function __\(program)_offers
            set -l before (commandline -opc)
            set -l word (commandline -ct)
            set -g __\(program)_offered (\(program) completion offer -- $before[2..-1] "$word" 2>/dev/null)
            test (count $__\(program)_offered) -gt 0
        end
        complete -c \(program) -f -n __\(program)_offers -a '$__\(program)_offered'

        """
    }
}
