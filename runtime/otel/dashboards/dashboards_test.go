package dashboards

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/otel"
)

// provider notes the instruments that are made, with a value of each.
type provider struct {
	embedded.MeterProvider
	real metric.Meter
}

func (p provider) Meter(string, ...metric.MeterOption) metric.Meter { return meter{p.real} }

type meter struct{ metric.Meter }

var label = metric.WithAttributes(attribute.String("ironflow.any", "x"))

func (m meter) Float64Histogram(name string, o ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	h, err := m.Meter.Float64Histogram(name, o...)
	h.Record(context.Background(), 1, label)
	return h, err
}

func (m meter) Int64Histogram(name string, o ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	h, err := m.Meter.Int64Histogram(name, o...)
	h.Record(context.Background(), 1, label)
	return h, err
}

func (m meter) Int64Counter(name string, o ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	c, err := m.Meter.Int64Counter(name, o...)
	c.Add(context.Background(), 1, label)
	return c, err
}

func (m meter) Int64UpDownCounter(name string, o ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	c, err := m.Meter.Int64UpDownCounter(name, o...)
	c.Add(context.Background(), 1, label)
	return c, err
}

func (m meter) Int64ObservableGauge(name string, o ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return m.Meter.Int64ObservableGauge(name, append(o, metric.WithInt64Callback(observe))...)
}

func (m meter) Int64ObservableCounter(name string, o ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	return m.Meter.Int64ObservableCounter(name, append(o, metric.WithInt64Callback(observe))...)
}

func (m meter) Float64ObservableGauge(name string, o ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return m.Meter.Float64ObservableGauge(name, append(o, metric.WithFloat64Callback(func(_ context.Context, to metric.Float64Observer) error {
		to.Observe(1, label)
		return nil
	}))...)
}

func observe(_ context.Context, to metric.Int64Observer) error {
	to.Observe(1, label)
	return nil
}

// series are the names of the series that Prometheus gets of package otel.
func series(t *testing.T) (names []string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	meters := sdk.NewMeterProvider(sdk.WithReader(reader))
	telemetry, err := otel.New(otel.WithMeterProvider(provider{real: meters.Meter("test")}))
	if err != nil {
		t.Fatal(err)
	}
	project := runtime.Projection[*memory.Tx]{Name: "p", Apply: func(context.Context, *memory.Tx, runtime.StoredEvent) error { return nil }}
	engine, err := runtime.NewEngine(memory.New(), runtime.Config{Telemetry: telemetry, Projections: []runtime.AnyProjection{project}})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := telemetry.Observe(engine)
	if err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		names = append(names, f.GetName())
		if f.GetType().String() == "HISTOGRAM" {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				names = append(names, f.GetName()+part)
			}
		}
	}
	if len(names) < 60 {
		t.Fatalf("only %d names: %q", len(names), names)
	}
	return names
}

// keys are the labels of attributes of package otel, and those of Prometheus itself.
func keys(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../names.go")
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"le", "instance", "error_type"}
	for _, m := range regexp.MustCompile(`= "(ironflow\.\w+)"`).FindAllStringSubmatch(string(source), -1) {
		known = append(known, strings.ReplaceAll(m[1], ".", "_"))
	}
	return known
}

// check parses an expression, and looks for each of its metrics and labels.
func check(t *testing.T, where, text string, metrics, keys []string) {
	t.Helper()
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Errorf("%s: %s: %v", where, text, err)
		return
	}
	named := 0
	label := func(name string) {
		if name != labels.MetricName && !slices.Contains(keys, name) {
			t.Errorf("%s: no metric has the label %s", where, name)
		}
	}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			named++
			if !slices.Contains(metrics, n.Name) {
				t.Errorf("%s: there is no metric %s", where, n.Name)
			}
			for _, m := range n.LabelMatchers {
				label(m.Name)
			}
		case *parser.AggregateExpr:
			for _, name := range n.Grouping {
				label(name)
			}
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				for _, name := range n.VectorMatching.MatchingLabels {
					label(name)
				}
			}
		}
		return nil
	})
	if named == 0 {
		t.Errorf("%s: %s names no metric", where, text)
	}
}

// Each alert names metrics and labels that there are, and links to a section of the runbooks.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	runbooks, err := os.ReadFile("../../../docs/operate/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(runbooks), -1) {
		sections = append(sections, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
	}
	metrics, keys := series(t), keys(t)
	seen := make(map[string]bool)
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if seen[rule.Alert] || !strings.HasPrefix(rule.Alert, "Ironflow") || rule.For == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
				t.Errorf("rule %+v lacks something, or is there twice", rule)
			}
			seen[rule.Alert] = true
			check(t, rule.Alert, rule.Expr, metrics, keys)
			page, section, _ := strings.Cut(rule.Annotations["runbook_url"], "#")
			if page != "https://github.com/ironflow-gen/ironflow/blob/main/docs/operate/runbooks.md" || !slices.Contains(sections, section) {
				t.Errorf("%s: there is no runbook %s", rule.Alert, rule.Annotations["runbook_url"])
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d alerts", len(seen))
	}
}

// Each panel of the dashboard names metrics and labels that there are.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			ID          int
			Title, Type string
			Targets     []struct{ Expr string }
			GridPos     struct{ H, W, X, Y int }
			Description string
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	metrics, keys := series(t), keys(t)
	graphs := 0
	for _, p := range dashboard.Panels {
		if p.Type == "row" {
			continue
		}
		graphs++
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %+v lacks something", p)
		}
		for _, target := range p.Targets {
			check(t, p.Title, strings.NewReplacer("$__rate_interval", "5m", "$workflow", ".*").Replace(target.Expr), metrics, keys)
		}
	}
	if graphs < 15 {
		t.Errorf("%d graphs", graphs)
	}
}
