package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// prompt asks a person at a terminal.
type prompt struct {
	in  *bufio.Reader
	out io.Writer
}

// errNoAnswer says that the input ended before a question was answered.
var errNoAnswer = errors.New("there is no answer, so nothing was written")

// ask returns the answer to a question, or what is offered when the answer is empty. A wrong answer is explained and asked
// for again.
func (p prompt) ask(question, offered string, check func(answer string) error) (string, error) {
	for {
		fmt.Fprint(p.out, question)
		if offered != "" {
			fmt.Fprintf(p.out, " [%s]", offered)
		}
		fmt.Fprint(p.out, ": ")
		line, err := p.in.ReadString('\n')
		answer := strings.TrimSpace(line)
		if err != nil && answer == "" {
			fmt.Fprintln(p.out)
			if errors.Is(err, io.EOF) {
				err = errNoAnswer
			}
			return "", err
		}
		if answer == "" {
			answer = offered
		}
		if err := check(answer); err == nil {
			return answer, nil
		} else {
			fmt.Fprintf(p.out, "  %v\n", err)
		}
	}
}

// isInteractive reports whether a person can be asked.
func (c call) isInteractive() bool {
	_, in := terminalWidth(c.in)
	_, out := terminalWidth(c.out)
	return in && out
}
