package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/util/annotations"
)

// healthy are the series of two processes on a store that works: each with its first value and what a minute adds.
const healthy = `
ironflow_queue_deliveries{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge",ironflow_state="dead"} 0+0
ironflow_queue_deliveries{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge",ironflow_state="due"} 7+0
ironflow_queue_deliveries{instance="web-2",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge",ironflow_state="due"} 8+0
ironflow_queue_oldest_due_seconds{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge"} 0.2+0
ironflow_queue_oldest_due_seconds{instance="web-1",ironflow_queue="timers",ironflow_workflow="cart",ironflow_kind="Expire"} 0+0
ironflow_queue_handlers{instance="web-1",ironflow_queue="effects"} 256+0
ironflow_projection_status_ratio{instance="web-1",ironflow_projection="board",ironflow_state="stopped"} 0+0
ironflow_projection_status_ratio{instance="web-1",ironflow_projection="board",ironflow_state="running"} 1+0
ironflow_projection_delay_seconds{instance="web-1",ironflow_projection="board"} 0.1+0
ironflow_projection_events_total{instance="web-1",ironflow_projection="board"} 0+600
ironflow_feed_blocker_age_seconds{instance="web-1"} 1+0
ironflow_replica_lag_seconds{instance="web-1"} 0.2+0
ironflow_inputs_waiting{instance="web-1"} 12+0
ironflow_inputs_limit{instance="web-1"} 4096+0
ironflow_input_duration_seconds_count{instance="web-1",ironflow_workflow="order",ironflow_input="Create",ironflow_outcome="accepted"} 0+600
ironflow_input_duration_seconds_count{instance="web-1",ironflow_workflow="order",ironflow_input="Create",ironflow_outcome="error"} 0+6
ironflow_input_duration_seconds_bucket{instance="web-1",ironflow_workflow="order",ironflow_input="Create",le="0.01"} 0+600
ironflow_input_duration_seconds_bucket{instance="web-1",ironflow_workflow="order",ironflow_input="Create",le="+Inf"} 0+606
ironflow_commit_duration_seconds_bucket{instance="web-1",ironflow_outcome="stored",le="0.01"} 0+600
ironflow_commit_duration_seconds_bucket{instance="web-1",ironflow_outcome="stored",le="5"} 0+600
ironflow_commit_duration_seconds_bucket{instance="web-1",ironflow_outcome="stored",le="+Inf"} 0+600
ironflow_commit_duration_seconds_count{instance="web-1",ironflow_outcome="stored"} 0+600
ironflow_commit_inputs_sum{instance="web-1"} 0+1200
ironflow_commit_inputs_count{instance="web-1"} 0+600
ironflow_commit_events_total{instance="web-1"} 0+1200
ironflow_delivery_duration_seconds_count{instance="web-1",ironflow_workflow="order",ironflow_kind="Charge",ironflow_result="done"} 0+60
ironflow_delivery_duration_seconds_bucket{instance="web-1",ironflow_workflow="order",ironflow_kind="Charge",le="1"} 0+60
ironflow_delivery_duration_seconds_bucket{instance="web-1",ironflow_workflow="order",ironflow_kind="Charge",le="+Inf"} 0+60
ironflow_delivery_delay_seconds_bucket{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",le="1"} 0+60
ironflow_delivery_delay_seconds_bucket{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",le="+Inf"} 0+60
ironflow_delivery_active{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge"} 3+0
ironflow_settlement_lost_total{instance="web-1",ironflow_queue="effects"} 0+1
ironflow_cache_lookups_total{instance="web-1",ironflow_outcome="hit"} 0+540
ironflow_cache_lookups_total{instance="web-1",ironflow_outcome="miss"} 0+60
ironflow_retention_deleted_total{instance="web-1",ironflow_records="instances"} 0+10
ironflow_problems{instance="web-1",ironflow_reason="dead"} 0+0
ironflow_problems{instance="web-1",ironflow_reason="late"} 1+0
ironflow_problems{instance="web-1",ironflow_reason="undelivered"} 0+0
ironflow_problems{instance="web-2",ironflow_reason="abandoned"} 0+0
ironflow_problems{instance="web-2",ironflow_reason="replica"} 0+0
`

// troubles are the series that differ while something is wrong, and what the alert says of it. A series without a value is missing.
var troubles = map[string]struct{ series, says string }{
	"IronflowDeadLetters": {
		`ironflow_queue_deliveries{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge",ironflow_state="dead"} 3+0`,
		"3 effects order/Charge are dead letters",
	},
	"IronflowDeliveriesLate": {
		`ironflow_queue_oldest_due_seconds{instance="web-1",ironflow_queue="effects",ironflow_workflow="order",ironflow_kind="Charge"} 0+60`,
		"effects order/Charge have been due for 4h 59m 0s",
	},
	"IronflowWorkflowPaused": {`ironflow_workflow_paused_ratio{instance="web-1",ironflow_workflow="order"} 1+0`, "the workflow order is paused"},
	"IronflowProjectionStopped": {
		`ironflow_projection_status_ratio{instance="web-1",ironflow_projection="board",ironflow_state="stopped"} 1+0`,
		"the projection board has stopped at an event",
	},
	"IronflowProjectionLate": {
		`ironflow_projection_delay_seconds{instance="web-1",ironflow_projection="board"} 400+0`, "the projection board is 6m 40s behind",
	},
	"IronflowFeedStalled": {`ironflow_feed_blocker_age_seconds{instance="web-1"} 200+0`, "a transaction has held up the feed for 3m 20s"},
	"IronflowReplica":     {`ironflow_problems{instance="web-2",ironflow_reason="replica"} 1+0`, "the read replica is late, or cannot be used"},
	"IronflowInputsFail": {
		`ironflow_input_duration_seconds_count{instance="web-1",ironflow_workflow="order",ironflow_input="Create",ironflow_outcome="error"} 0+200`,
		"25% of order/Create fail",
	},
	"IronflowInputsWait": {`ironflow_inputs_waiting{instance="web-1"} 4096+0`, "inputs wait: 100% of the limit"},
	"IronflowCommitsSlow": {
		`ironflow_commit_duration_seconds_bucket{instance="web-1",ironflow_outcome="stored",le="0.01"} 0+60`, "one commit in a hundred takes 4.945s",
	},
	"IronflowLeasesLost": {`ironflow_settlement_lost_total{instance="web-1",ironflow_queue="effects"} 0+30`, "0.5 leases of effects are lost in a second"},
	"IronflowStuck": {
		`ironflow_problems{instance="web-1",ironflow_reason="undelivered"} 2+0`, "2 things need an operator: undelivered",
	},
	"IronflowNoProgram": {`ironflow_inputs_limit{instance="web-1"}`, "no program with an engine reports metrics"},
}

// minutes is how long the series are: longer than any alert waits.
const minutes = 300

// recorded are series, by their labels.
type recorded map[string]promql.Series

// with returns the series with those of a text in place of theirs.
func (r recorded) with(t *testing.T, text string) recorded {
	t.Helper()
	all := make(recorded, len(r))
	maps.Copy(all, r)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasSuffix(line, "}") {
			name, _, err := syntax.ParseSeriesDesc(line + " _")
			if _, known := all[name.String()]; err != nil || !known {
				t.Fatalf("%s: %v, known: %v", line, err, known)
			}
			delete(all, name.String())
			continue
		}
		name, values, err := syntax.ParseSeriesDesc(fmt.Sprintf("%sx%d", line, minutes-1))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		series := promql.Series{Metric: name}
		for i, v := range values {
			series.Floats = append(series.Floats, promql.FPoint{T: int64(i) * time.Minute.Milliseconds(), F: v.Value})
		}
		all[name.String()] = series
	}
	return all
}

// Querier returns series.
func (r recorded) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		var found []promql.Series
		for _, name := range slices.Sorted(maps.Keys(r)) {
			fits := func(m *labels.Matcher) bool { return m.Matches(r[name].Metric.Get(m.Name)) }
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !fits(m) }) {
				found = append(found, r[name])
			}
		}
		return &cursor{found, -1}
	}}, nil
}

// cursor goes through series.
type cursor struct {
	series []promql.Series
	at     int
}

func (c *cursor) Next() bool                        { c.at++; return c.at < len(c.series) }
func (c *cursor) At() storage.Series                { return promql.NewStorageSeries(c.series[c.at]) }
func (c *cursor) Err() error                        { return nil }
func (c *cursor) Warnings() annotations.Annotations { return nil }

var (
	syntax = parser.NewParser(parser.Options{})
	engine = promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, Parser: syntax})
)

// ask evaluates an expression at a minute.
func (r recorded) ask(t *testing.T, expression string, minute int) promql.Vector {
	t.Helper()
	query, err := engine.NewInstantQuery(t.Context(), r, nil, expression, time.UnixMilli(int64(minute)*time.Minute.Milliseconds()))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	vector, err := result.Vector()
	if err != nil || len(result.Warnings) > 0 {
		t.Fatalf("%s: %v, %v", expression, err, result.Warnings)
	}
	return slices.Clone(vector)
}

// fires returns what an alert says at the last minute, of each series that it has found for as long as it has to.
func (r recorded) fires(t *testing.T, rule rulefmt.Rule) (says []string) {
	t.Helper()
	found := r.ask(t, rule.Expr, minutes-1)
	for minute := minutes - 1 - int(time.Duration(rule.For)/time.Minute); minute < minutes-1; minute++ {
		then := r.ask(t, rule.Expr, minute)
		found = slices.DeleteFunc(found, func(s promql.Sample) bool {
			return !slices.ContainsFunc(then, func(other promql.Sample) bool { return labels.Equal(s.Metric, other.Metric) })
		})
	}
	for _, sample := range found {
		data := template.AlertTemplateData(sample.Metric.Map(), nil, "", sample)
		text := "{{$labels := .Labels}}{{$value := .Value}}" + rule.Annotations["summary"]
		none := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
		said, err := template.NewTemplateExpander(t.Context(), text, rule.Alert, data, model.Time(0), none, &url.URL{}, nil).Expand()
		if err != nil {
			t.Errorf("%s: %v", rule.Alert, err)
		}
		says = append(says, said)
	}
	return says
}

func rules(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	groups, errs := rulefmt.ParseFile("alerts.yaml", false, model.UTF8Validation, syntax, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, group := range groups.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// Each alert fires when what it is for is wrong, says so, and is quiet otherwise, also when something else is wrong.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	well := recorded{}.with(t, healthy)
	all := rules(t)
	for _, rule := range all {
		if says := well.fires(t, rule); len(says) > 0 {
			t.Errorf("all is well, and %s says %q", rule.Alert, says)
		}
		trouble, known := troubles[rule.Alert]
		if !known {
			t.Errorf("there is no trouble for %s", rule.Alert)
			continue
		}
		ill := well.with(t, trouble.series)
		if says := ill.fires(t, rule); !slices.Equal(says, []string{trouble.says}) {
			t.Errorf("%s says %q, want %q", rule.Alert, says, trouble.says)
		}
		for _, other := range all {
			if says := ill.fires(t, other); other.Alert != rule.Alert && len(says) > 0 {
				t.Errorf("the trouble of %s makes %s say %q", rule.Alert, other.Alert, says)
			}
		}
	}
	if len(troubles) != len(all) {
		t.Errorf("%d troubles for %d alerts", len(troubles), len(all))
	}

	// What is paused may be late.
	paused := well.with(t, troubles["IronflowDeliveriesLate"].series).with(t, troubles["IronflowWorkflowPaused"].series)
	for _, rule := range all {
		if says := paused.fires(t, rule); len(says) > 0 != (rule.Alert == "IronflowWorkflowPaused") {
			t.Errorf("while the workflow is paused, %s says %q", rule.Alert, says)
		}
	}
}

// Each query of the dashboard has an answer when there is something to show.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	busy := recorded{}.with(t, healthy)
	for _, alert := range []string{"IronflowDeadLetters", "IronflowWorkflowPaused", "IronflowStuck"} {
		busy = busy.with(t, troubles[alert].series)
	}
	values := map[string]float64{ // of queries whose answer is easy to say
		"sum(rate(ironflow_commit_events_total[$__rate_interval]))":                                                           20,
		"sum(rate(ironflow_commit_inputs_sum[$__rate_interval])) / sum(rate(ironflow_commit_inputs_count[$__rate_interval]))": 2,
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			answer := busy.ask(t, strings.NewReplacer("$__rate_interval", "5m", "$workflow", ".*").Replace(target.Expr), minutes-1)
			if len(answer) == 0 {
				t.Errorf("%s: %s has no answer", p.Title, target.Expr)
			}
			if want, known := values[target.Expr]; known {
				if delete(values, target.Expr); len(answer) != 1 || answer[0].F != want {
					t.Errorf("%s: got %v, want %v", p.Title, answer, want)
				}
			}
		}
	}
	if len(values) > 0 {
		t.Errorf("no panel asks %v", values)
	}
}
