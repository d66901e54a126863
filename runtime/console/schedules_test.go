package console_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// scheduled stores hourly schedules of a workflow "clock", which last fired three and a half hours ago, and what a program declares of them.
func (s shop) scheduled(missed map[string]workflow.Missed) {
	s.Helper()
	now := store.StoredTime(time.Now())
	declared := workflow.WorkflowManifest{Name: "clock", Inputs: []string{"Tick"}}
	for name, missed := range missed {
		declared.Schedules = append(declared.Schedules, workflow.ScheduledInput{
			Name: name, Input: "Tick", Instance: "all", Recurrence: workflow.Recurrence{Schedule: "@every 1h", Missed: missed},
		})
		stored := store.StoredSchedule{Workflow: "clock", Name: name, Definition: []byte(`{}`), Next: now.Add(-150 * time.Minute)}
		if name == "often" {
			declared.Schedules[len(declared.Schedules)-1].Schedule = "@every 1s"
		}
		if err := s.store.(store.Schedules).PutSchedules(s.Context(), []store.StoredSchedule{stored}); err != nil {
			s.Fatal(err)
		}
	}
	s.record(store.Program{Process: "timer", StartedAt: now, SeenAt: now, Until: now.Add(time.Hour)}, declared)
}

// The page Schedules says how many firings were missed, since when, and what becomes of them.
func TestMissedFirings(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		s.scheduled(map[string]workflow.Missed{"latest": workflow.MissedLatest, "skip": workflow.MissedSkip, "all": workflow.MissedAll, "often": workflow.MissedSkip})
		if err := s.admin.PauseSchedule(s.Context(), "clock", "all"); err != nil {
			s.Fatal(err)
		}
		_, body := s.get(s.as(console.Viewer, false), "/schedules")
		for name, want := range map[string][]string{
			"latest": {">3 since <time", ">2h30m ago</time>; one fires for all", ">no</td>"},
			"skip":   {">3 since <time", "; they are skipped"},
			"all":    {">3 since <time", "; each fires later", ">none</td>", ">yes</td>"},
			"often":  {">1000 or more since <time"},
		} {
			_, row, _ := strings.Cut(body, `<th scope="row">`+name)
			row, _, _ = strings.Cut(row, "</tr>")
			for _, part := range want {
				if !strings.Contains(row, part) {
					s.Errorf("%s: %q is not in the row %s", name, part, row)
				}
			}
		}
		if strings.Contains(body, "change?") {
			s.Errorf("a viewer is offered a change:\n%s", body)
		}
	})
}

// A form that is sent several times at once does its work once.
func TestFormsAtOnce(t *testing.T) {
	t.Parallel()
	onStores(t, func(s shop) {
		s.scheduled(map[string]workflow.Missed{"latest": workflow.MissedLatest})
		h := s.as(console.Operator, true)
		form, _ := s.formAt(h, "/change?change=trigger-schedule&workflow=clock&schedule=latest")
		form.Set("reason", "impatient")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if w := s.post(h, form); w.Code != http.StatusSeeOther {
					s.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		all.Wait()
		page, err := s.admin.Audit(s.Context(), admin.AuditQuery{AuditFilter: store.AuditFilter{Operation: store.OpTriggerSchedule}})
		if err != nil || len(page.Items) != 1 {
			s.Errorf("the audit log has %+v, %v", page.Items, err)
		}
	})
}
