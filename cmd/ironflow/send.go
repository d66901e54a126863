package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/httpapi"
)

// authorizationVariable has the value of the header Authorization: a flag would show it to other users of the machine.
const authorizationVariable = "IRONFLOW_AUTHORIZATION"

// send sends an input to a running program, which has the decider.
func send(ctx context.Context, k *call) (int, error) {
	if k.server == "" {
		return exitOK, &usageError{"send needs -server, the address of the program's operator handler: the decider runs there"}
	}
	body, err := io.ReadAll(k.in)
	if err != nil {
		return exitOK, err
	}
	address := strings.TrimSuffix(k.server, "/") + "/" + url.PathEscape(k.args[0]) + "/inputs/" + url.PathEscape(k.args[1])
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return exitOK, &usageError{fmt.Sprintf("the address of the server cannot be read: %v", err)}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(httpapi.ReasonHeader, url.PathEscape(k.reason))
	if k.inputID != "" {
		r.Header.Set("Idempotency-Key", k.inputID)
	}
	if authorization := os.Getenv(authorizationVariable); authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return exitOK, fmt.Errorf("the program at %s does not answer: %w", r.URL.Host, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return exitOK, fmt.Errorf("the answer of %s broke off; send the input again with the same -id: %w", r.URL.Host, err)
	}
	if answer.StatusCode == http.StatusOK {
		var accepted httpapi.Accepted
		if err := json.Unmarshal(text, &accepted); err != nil {
			return exitOK, fmt.Errorf("%s answered with something else than a program of ironflow: %w", r.URL.Host, err)
		}
		if k.json {
			return exitOK, k.print(accepted)
		}
		var events []string
		for _, e := range accepted.Events {
			events = append(events, e.Type)
		}
		fmt.Fprintf(k.out, "accepted, version %d: %s\n", accepted.Version, strings.Join(events, ", "))
		return exitOK, nil
	}
	refused := httpapi.Error{Status: answer.StatusCode}
	if json.Unmarshal(text, &refused) != nil || refused.Code == "" {
		return exitOK, fmt.Errorf("%s answered with status %s", r.URL.Host, answer.Status)
	}
	code := exitStore
	switch {
	case refused.Code == httpapi.Rejected, refused.Code == httpapi.AlreadyCompleted, refused.Code == httpapi.UnknownPath:
		code = exitFound
	case answer.StatusCode < http.StatusInternalServerError:
		code = exitUsage
	}
	return code, fmt.Errorf("the program says: %s", refused.Message)
}
