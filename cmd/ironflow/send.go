package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/httpapi"
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
	code := exitStore
	switch {
	case a.refused.Code == httpapi.Rejected, a.refused.Code == httpapi.AlreadyCompleted, a.refused.Code == httpapi.UnknownPath:
		code = exitFound
	case a.refused.Status < http.StatusInternalServerError:
		code = exitUsage
	}
	return code, fmt.Errorf("the program says: %s", a.refused.Message)
}
