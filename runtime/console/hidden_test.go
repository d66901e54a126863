package console_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// secret is a part of a payload that a handler has put into its error. A fingerprint has all of it.
const secret = "the card of Evangelina"

// telling is a store in whose every error there is a secret.
type telling struct{ *memory.Store }

func (s telling) Waiting(ctx context.Context, queue store.QueueName, instance store.InstanceKey, limit int) ([]store.WaitingDelivery, error) {
	found, err := s.Store.Waiting(ctx, queue, instance, limit)
	found = slices.Clone(found)
	for i := range found {
		found[i].LastError, found[i].Attempts = secret, 2
	}
	return found, err
}

func (s telling) Backlog(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.Backlog, error) {
	found, err := s.Store.Backlog(ctx, queue, now, limit)
	blocked := store.Backlog{Kind: store.Kind{Workflow: "ticket", Name: "Blocked"}, Delayed: 1, Blocked: 1, OldestBlocked: now, BlockedError: secret}
	return append(found, blocked), err
}

func (s telling) EndedDeliveries(ctx context.Context, instance store.InstanceKey, from int64, limit int) ([]store.EndedDelivery, error) {
	lease := store.Lease{Queue: store.EffectQueue, Instance: instance, Version: 1}
	return []store.EndedDelivery{{Lease: lease, Kind: "Notify", Ending: store.EndedRefused, Reason: secret}}, nil
}

func (s telling) ListDead(ctx context.Context, list store.DeadLetterList) ([]store.DeadLetter, error) {
	if list.ErrorContains != "" && !strings.Contains(secret, list.ErrorContains) {
		return nil, nil
	}
	list.ErrorContains = ""
	found, err := s.Store.ListDead(ctx, list)
	for i := range found {
		found[i].Error = secret
	}
	return found, err
}

// Errors are shown only to those who may see payloads, on every page. To others, they are groups.
func TestErrorsAreHidden(t *testing.T) {
	t.Parallel()
	s := newShop(t, telling{memory.New()})
	s.scheduled(map[string]workflow.Missed{"latest": workflow.MissedLatest})
	err := s.store.(store.Projections).UpdateProjection(t.Context(), "board", func(p *store.ProjectionState) error {
		p.Status, p.Position, p.StoppedAt, p.LastError = store.ProjectionStopped, 1, 2, secret
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := s.as(console.Admin, true)
	form, _ := s.formAt(all, "/change?change=discard&workflow=ticket&error=Evangelina&"+url.Values{"id": {hostile}}.Encode())
	form.Set("id", hostile) // as it is in the form, not as it is in HTML
	form.Set("reason", "a test")
	if w := s.post(all, form); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	routes := console.Routes()
	const about = "?workflow=ticket&id=t-1&name=ticket&input=Note&version=1&for=1us"
	seen := []string{"", "audit", "change", "dead", "instance", "projections", "schedules", "stuck", "why"}
	for _, name := range routes {
		if name == "live" {
			continue
		}
		addresses := []string{"/" + name + about}
		if name == "change" {
			addresses = nil
			for _, change := range console.Changes() {
				addresses = append(addresses, "/change"+about+"&change="+change+"&projection=board&event=2&schedule=latest")
			}
		} else if name == "schedules" || name == "audit" {
			addresses = []string{"/" + name}
		}
		shown := false
		for _, address := range addresses {
			_, body := s.get(all, address)
			shown = shown || strings.Contains(body, "Evangelina")
			for _, role := range []console.Role{console.Viewer, console.Operator, console.Admin} {
				_, body := s.get(s.as(role, false), address)
				if strings.Contains(body, "Evangelina") {
					t.Errorf("%s shows an error to the role %s without payloads:\n%s", address, role, body)
				}
				if shown && !strings.Contains(body, "hidden") && role > console.Viewer {
					t.Errorf("%s does not say to the role %s that there is an error:\n%s", address, role, body)
				}
			}
		}
		if shown != slices.Contains(seen, name) {
			t.Errorf("that %s shows an error to those who may see it is %t", name, shown)
		}
	}
	// A filter would tell what the error is, letter by letter.
	operator := s.as(console.Operator, false)
	for _, address := range []string{"/dead?error=Eva", "/change?change=retry&workflow=ticket&error=Eva"} {
		if status, body := s.get(operator, address); status != http.StatusForbidden || !strings.Contains(body, "may not see errors") {
			t.Errorf("%s: %d %s", address, status, body)
		}
	}
	if w := s.post(operator, url.Values{"change": {"discard"}, "workflow": {"ticket"}, "error": {"Eva"}, "reason": {"x"}}); w.Code != http.StatusForbidden || s.dead() != 1 {
		t.Errorf("%d %s, and %d are left", w.Code, w.Body, s.dead())
	}
	if _, body := s.get(operator, "/dead"); strings.Contains(body, "Error has") || strings.Count(body, "hidden (group ") != 2 {
		t.Errorf("the dead letters: %s", body)
	}
}
