package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/internal/terminal"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
)

// bulk has a running program send an input to many instances, or say what that would lead to.
func bulk(ctx context.Context, k *call) (int, error) {
	switch {
	case k.server == "":
		return exitOK, &usageError{"bulk needs -server, the address of the program's operator handler: the decider runs there"}
	case k.write && k.inputID == "":
		return exitOK, &usageError{"bulk with -write needs -id, a name of your choice for the run; the same name continues a run that ended early"}
	}
	fields, err := io.ReadAll(k.in)
	if err != nil {
		return exitOK, err
	}
	if !json.Valid(fields) {
		return exitOK, &usageError{"standard input is not JSON; bulk reads the fields of the input from it"}
	}
	request := httpapi.BulkRequest{
		ID: cmp.Or(k.inputID, "plan"), Fields: fields, Status: k.status, CreatedBefore: k.createdBefore, UpdatedBefore: k.updatedBefore, Rate: k.rate,
	}
	if !k.write {
		request.Plan, request.Limit = true, k.limit
	}
	body, err := json.Marshal(request)
	if err != nil {
		return exitOK, err
	}
	response, err := remote(k.server).do(ctx, "bulk", k.args[0], k.args[1], cmp.Or(k.reason, "to see what it would lead to"), "", body)
	if err != nil {
		return exitOK, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		refused, err := refusal(response)
		if err != nil {
			return exitOK, err
		}
		return codeOfRefusal(refused), fmt.Errorf("the program says: %s", refused.Message)
	}
	last, err := k.bulkProgress(response.Body)
	if err != nil {
		return exitOK, err
	}
	return k.bulkReport(last)
}

// bulkProgress reads lines until the run has ended, and shows on a terminal how far it is.
func (k *call) bulkProgress(lines io.Reader) (last httpapi.BulkProgress, err error) {
	shown, began := terminal.Is(k.errs), time.Now()
	for d := json.NewDecoder(lines); ; {
		line := httpapi.BulkProgress{}
		err := d.Decode(&line)
		if shown {
			fmt.Fprint(k.errs, "\r\x1b[K")
		}
		again := "; run the command again with the same -id to continue"
		if !k.write {
			again = ""
		}
		switch {
		case err != nil:
			return last, fmt.Errorf("the answer broke off after %d instances%s: %w", last.Sent, again, err)
		case line.Failed != nil:
			return last, fmt.Errorf("the run ended after %d instances%s: the program says: %s", last.Sent, again, line.Failed.Message)
		case line.Ended:
			return line, nil
		}
		last = line
		if shown {
			fmt.Fprintf(k.errs, "%d instances have decided, %.0f a second", last.Sent, float64(last.Sent)/max(time.Since(began).Seconds(), 1))
		}
	}
}

// bulkReport prints what a run has led to, or would lead to.
func (k *call) bulkReport(r httpapi.BulkProgress) (int, error) {
	code := exitOK
	if r.Count("failed") > 0 {
		code = exitFound
	}
	if k.json {
		return code, k.print(r)
	}
	t := k.table("COUNT", "STATUS", "OUTCOME", "EVENTS", "EFFECTS", "REJECTION OR ERROR", "EXAMPLE")
	for _, g := range r.Groups {
		t.row(fmt.Sprint(g.Count), g.Status, g.Outcome, strings.Join(g.Events, ", "), strings.Join(g.Effects, ", "), cmp.Or(g.Rejection, g.Error), g.Example)
	}
	t.end()
	switch {
	case k.write:
		fmt.Fprintf(k.out, "%d instances have decided\n", r.Sent)
	case k.limit > 0 && r.Sent >= int64(k.limit):
		fmt.Fprintf(k.out, "the newest %d instances were asked, and nothing was sent; -limit 0 asks all, -write sends the input\n", r.Sent)
	default:
		fmt.Fprintf(k.out, "%d instances were asked, and nothing was sent; -write sends the input\n", r.Sent)
	}
	return code, nil
}
