package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
)

// completions are the scripts of completion, by the shell.
var completions = map[string]func() string{"bash": completeBash, "zsh": completeZsh, "fish": completeFish}

// completion prints the script that completes commands and flags in a shell.
func completion(_ context.Context, k *call) (int, error) {
	script, known := completions[k.args[0]]
	if !known {
		return exitOK, &usageError{fmt.Sprintf("%q is not a shell that has completion; the shells are bash, fish and zsh", k.args[0])}
	}
	fmt.Fprint(k.out, script())
	return exitOK, nil
}

// eachFlag calls do for the flags of a command, in order.
func (c *command) eachFlag(do func(f *flag.Flag)) { c.flagSet(new(options)).VisitAll(do) }

// words are what may follow a command: its flags, or the first words of its arguments.
func (c *command) words() (words []string) {
	c.eachFlag(func(f *flag.Flag) { words = append(words, "-"+f.Name) })
	return append(words, c.choices...)
}

func commandNames() (names []string) {
	for i := range commands {
		names = append(names, commands[i].name)
	}
	return append(names, "help")
}

func completeBash() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of ironflow for bash: source <(ironflow completion bash)
_ironflow() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words
    if [ "$before" = -store ]; then
        COMPREPLY=($(compgen -f -- "$word"))
        return
    fi
    if [ "$COMP_CWORD" = 1 ]; then
        words="%s"
    else
        case ${COMP_WORDS[1]} in
`, strings.Join(commandNames(), " "))
	for i := range commands {
		fmt.Fprintf(&b, "        %s) words=\"%s\" ;;\n", commands[i].name, strings.Join(commands[i].words(), " "))
	}
	fmt.Fprintf(&b, `        help) words="%s" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _ironflow ironflow
`, strings.Join(commandNames(), " "))
	return b.String()
}

func completeZsh() string {
	var b strings.Builder
	b.WriteString(`#compdef ironflow
# Completion of ironflow for zsh: source <(ironflow completion zsh)
_ironflow() {
    local -a words_
    if [[ ${words[CURRENT-1]} == -store ]]; then
        _files
        return
    fi
    if (( CURRENT == 2 )); then
        words_=(
`)
	for i := range commands {
		fmt.Fprintf(&b, "            %s\n", quoteShell(strings.ReplaceAll(commands[i].name+":"+commands[i].does, "\n", " ")))
	}
	b.WriteString(`            'help:lists the flags of a command'
        )
        _describe command words_
        return
    fi
    case ${words[2]} in
`)
	for i := range commands {
		fmt.Fprintf(&b, "    %s) words_=(%s) ;;\n", commands[i].name, strings.Join(commands[i].words(), " "))
	}
	fmt.Fprintf(&b, `    help) words_=(%s) ;;
    esac
    compadd -- $words_
}
compdef _ironflow ironflow
`, strings.Join(commandNames(), " "))
	return b.String()
}

func completeFish() string {
	var b strings.Builder
	b.WriteString("# Completion of ironflow for fish: ironflow completion fish | source\ncomplete -c ironflow -f\n")
	const at = "complete -c ironflow -n "
	for i := range commands {
		c := &commands[i]
		fmt.Fprintf(&b, "%s__fish_use_subcommand -a %s -d %s\n", at, c.name, quoteShell(c.does))
		in := quoteShell("__fish_seen_subcommand_from " + c.name)
		c.eachFlag(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			more := ""
			switch {
			case f.Name == "store":
				more = " -r -F"
			case value != "":
				more = " -x"
			}
			fmt.Fprintf(&b, "%s%s -o %s%s -d %s\n", at, in, f.Name, more, quoteShell(usage))
		})
		if len(c.choices) > 0 {
			fmt.Fprintf(&b, "%s%s -a %s\n", at, in, quoteShell(strings.Join(c.choices, " ")))
		}
	}
	fmt.Fprintf(&b, "%s'__fish_seen_subcommand_from help' -a %s\n", at, quoteShell(strings.Join(commandNames(), " ")))
	return b.String()
}

// quoteShell quotes a text for a shell. fish takes a backslash before a quote within quotes, and sh does not; so the text gets another quote.
func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", "’") + "'" }
