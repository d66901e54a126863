package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

func completionCommand() command {
	return command{
		name:    "completion",
		args:    "bash|zsh|fish",
		summary: "print a script that completes commands and flags in a shell",
		details: `
Prints a script for the shell. It completes commands, flags, the values of flags, codes and files.

  bash: put this into ~/.bashrc:
    source <(ironflow-gen completion bash)
  zsh: put this into ~/.zshrc, below compinit:
    source <(ironflow-gen completion zsh)
  fish:
    ironflow-gen completion fish > ~/.config/fish/completions/ironflow-gen.fish

The program must be in the PATH by its name; "go install github.com/ironflow-gen/ironflow/cmd/ironflow-gen@latest" puts it there.

Example:
  ironflow-gen completion bash
`,
		docs:   []string{"generator.md"},
		values: map[string][]string{"": shellNames()},
		setup:  func(*flag.FlagSet) func(call) int { return runCompletion },
	}
}

// shells write the script for each shell.
var shells = map[string]func([]completions) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}

func shellNames() []string { return []string{"bash", "zsh", "fish"} }

func runCompletion(c call) int {
	if len(c.args) != 1 {
		return c.usageError("completion takes the name of a shell: bash, zsh or fish")
	}
	script, ok := shells[c.args[0]]
	if !ok {
		_, hint := spec.Suggest(c.args[0], shellNames())
		return c.usageError("the shell %q is not known; %s", c.args[0], hint)
	}
	fmt.Fprint(c.out, script(allCompletions()))
	return exitOK
}

// completions is what can be completed behind a command.
type completions struct {
	name, summary string
	args          []string // what the arguments can be; files if there are none
	flags         []flagCompletion
}

type flagCompletion struct {
	name, usage string
	takesValue  bool
	values      []string // what the value can be; files if there are none
}

func allCompletions() []completions {
	var list []completions
	for _, cmd := range commands() {
		var unused output
		flags, _ := cmd.flags(&unused)
		c := completions{name: cmd.name, summary: cmd.summary, args: cmd.values[""]}
		flags.VisitAll(func(f *flag.Flag) {
			boolean, ok := f.Value.(interface{ IsBoolFlag() bool })
			_, usage := flag.UnquoteUsage(f)
			c.flags = append(c.flags, flagCompletion{
				name: f.Name, usage: usage, takesValue: !ok || !boolean.IsBoolFlag(), values: cmd.valuesOf(f.Name),
			})
		})
		list = append(list, c)
	}
	help := slices.IndexFunc(list, func(c completions) bool { return c.name == "help" })
	list[help].args = names(list)
	return list
}

// valuesOf returns what the value of a flag can be.
func (cmd command) valuesOf(flag string) []string {
	if cmd.diagnoses && flag == "color" {
		return colorValues
	}
	return cmd.values[flag]
}

// names returns the names of the commands.
func names(list []completions) []string {
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}

// bare returns the completions of the command that is run when none is named.
func bare(list []completions) completions {
	return list[slices.IndexFunc(list, func(c completions) bool { return c.name == "generate" })]
}

// quoteShell writes a text in single quotes, as all three shells read it.
func quoteShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func bashScript(list []completions) string {
	var b strings.Builder
	b.WriteString(`# Completion of ironflow-gen for bash.
_ironflow_gen() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then command=${COMP_WORDS[i]}; break; fi
    done
    local flags= args= values=
    case $command in
`)
	write := func(pattern string, c completions, args []string) {
		fmt.Fprintf(&b, "    %s)\n", pattern)
		var flags []string
		for _, f := range c.flags {
			flags = append(flags, "-"+f.name)
		}
		fmt.Fprintf(&b, "        flags=%s args=%s\n        case $prev in\n", quoteShell(strings.Join(flags, " ")), quoteShell(strings.Join(args, " ")))
		for _, f := range c.flags {
			switch {
			case len(f.values) > 0:
				fmt.Fprintf(&b, "        -%s|--%[1]s) values=%s ;;\n", f.name, quoteShell(strings.Join(f.values, " ")))
			case f.takesValue:
				fmt.Fprintf(&b, "        -%s|--%[1]s) return ;;\n", f.name)
			}
		}
		b.WriteString("        esac ;;\n")
	}
	for _, c := range list {
		write(c.name, c, c.args)
	}
	write("*", bare(list), nil)
	fmt.Fprintf(&b, `    esac
    if [[ -z $command ]]; then args=%s; fi
    if [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$args" -- "$cur"))
    fi
}
complete -o default -F _ironflow_gen ironflow-gen
`, quoteShell(strings.Join(names(list), " ")))
	return b.String()
}

func zshScript(list []completions) string {
	var b strings.Builder
	b.WriteString("#compdef ironflow-gen\n# Completion of ironflow-gen for zsh.\n_ironflow_gen() {\n    local -a commands\n    commands=(\n")
	for _, c := range list {
		fmt.Fprintf(&b, "        %s\n", quoteShell(c.name+":"+c.summary))
	}
	b.WriteString(`    )
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe -t commands command commands
        _files
        return
    fi
    local command=$words[2]
    if [[ $command != -* ]]; then
        shift words
        (( CURRENT-- ))
    fi
    case $command in
`)
	write := func(pattern string, c completions) {
		fmt.Fprintf(&b, "    %s)\n        _arguments", pattern)
		for _, f := range c.flags {
			text := "-" + f.name + "[" + zshText(f.usage) + "]"
			switch {
			case len(f.values) > 0:
				text += ":value:(" + strings.Join(f.values, " ") + ")"
			case f.takesValue:
				text += ":value:_files"
			}
			b.WriteString(" \\\n            " + quoteShell(text))
		}
		args := "*:path:_files"
		if len(c.args) > 0 {
			args = "*:argument:(" + strings.Join(c.args, " ") + ")"
		}
		b.WriteString(" \\\n            " + quoteShell(args) + " ;;\n")
	}
	for _, c := range list {
		write(c.name, c)
	}
	write("*", bare(list))
	b.WriteString("    esac\n}\ncompdef _ironflow_gen ironflow-gen\n")
	return b.String()
}

// zshText keeps a text from being syntax in the brackets of _arguments.
func zshText(text string) string {
	return strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

func fishScript(list []completions) string {
	var b strings.Builder
	b.WriteString("# Completion of ironflow-gen for fish.\n")
	all := strings.Join(names(list), " ")
	none := quoteShell("not __fish_seen_subcommand_from " + all)
	for _, c := range list {
		fmt.Fprintf(&b, "complete -c ironflow-gen -n %s -a %s -d %s\n", none, c.name, quoteShell(c.summary))
	}
	write := func(condition string, c completions) {
		for _, f := range c.flags {
			fmt.Fprintf(&b, "complete -c ironflow-gen -n %s -o %s -d %s", condition, f.name, quoteShell(f.usage))
			switch {
			case len(f.values) > 0:
				b.WriteString(" -x -a " + quoteShell(strings.Join(f.values, " ")))
			case f.takesValue:
				b.WriteString(" -r")
			}
			b.WriteByte('\n')
		}
		if len(c.args) > 0 {
			fmt.Fprintf(&b, "complete -c ironflow-gen -n %s -f -a %s\n", condition, quoteShell(strings.Join(c.args, " ")))
		}
	}
	write(none, bare(list))
	for _, c := range list {
		write(quoteShell("__fish_seen_subcommand_from "+c.name), c)
	}
	return b.String()
}
