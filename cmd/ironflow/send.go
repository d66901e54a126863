package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// send sends an input to a running program, which has the decider.
func send(ctx context.Context, k *call) (int, error) {
	if k.server == "" {
		return exitOK, &usageError{"send needs -server, the address of the program's operator handler: the decider runs there"}
	}
	body, err := io.ReadAll(k.in)
	if err != nil {
		return exitOK, err
	}
	a, err := remote(k.server).post(ctx, k.args[0], k.args[1], k.reason, k.inputID, body)
	if err != nil {
		return exitOK, err
	}
	if a.refused == nil {
		if k.json {
			return exitOK, k.print(a.Accepted)
		}
		var events []string
		for _, e := range a.Events {
			events = append(events, e.Type)
		}
		fmt.Fprintf(k.out, "accepted, version %d: %s\n", a.Version, strings.Join(events, ", "))
		return exitOK, nil
	}
	return codeOfRefusal(a.refused), fmt.Errorf("the program says: %s", a.refused.Message)
}
