package console

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

const (
	sampleEvery = 15 * time.Second
	sampledFor  = time.Hour
)

// sample is what the plots of the start page show of one moment.
type sample struct {
	at      time.Time
	figures [len(plotted)]int64
}

// plotted are the figures that are plotted.
var plotted = [...]struct {
	title string
	of    func(telemetry.Health) int64
	rate  bool // of its growth a second
}{
	{"Events stored a second", stored, true},
	{"Deliveries due", func(h telemetry.Health) int64 { return h.Effects.Total().Due + h.Timers.Total().Due }, false},
	{"Dead letters", func(h telemetry.Health) int64 { return h.Effects.Total().Dead + h.Timers.Total().Dead }, false},
	{"Events that the last projection is behind", behind, false},
}

// stored grows with each event: it is the number of the newest one, in all cells together.
func stored(h telemetry.Health) int64 {
	newest := h.Feed.Newest
	for _, c := range h.Cells {
		newest += c.Feed.Newest
	}
	return int64(newest)
}

func behind(h telemetry.Health) (most int64) {
	for _, p := range h.Projections {
		most = max(most, p.Behind)
	}
	return most
}

// sample keeps the figures of now. One that cannot be read is left out.
func (h *hub) sample(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, h.console.config.Timeout)
	defer cancel()
	health, err := h.console.health(ctx)
	if err != nil {
		return
	}
	s := sample{at: time.Now()}
	for i, p := range plotted {
		s.figures[i] = p.of(health)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples = append(h.samples, s)
	for len(h.samples) > int(sampledFor/sampleEvery) {
		h.samples = h.samples[1:]
	}
}

// plot is a small line over the last hour.
type plot struct {
	Title, Now, Most string
	Points           string // of a polyline in a box of 240 by 40
	Since            time.Time
}

const plotWidth, plotHeight = 240.0, 40.0

// plots are the plots of the last hour, as far as pages were open. There are none before there are two samples.
func (h *hub) plots(now time.Time) (plots []plot) {
	h.mu.Lock()
	samples := append([]sample(nil), h.samples...)
	h.mu.Unlock()
	for len(samples) > 0 && now.Sub(samples[0].at) > sampledFor {
		samples = samples[1:]
	}
	if len(samples) < 2 {
		return nil
	}
	for i, p := range plotted {
		var times []time.Time
		var values []float64
		for n, s := range samples {
			value := float64(s.figures[i])
			if p.rate {
				if n == 0 {
					continue
				}
				before := samples[n-1]
				value = max(0, value-float64(before.figures[i])) / max(0.001, s.at.Sub(before.at).Seconds())
			}
			times, values = append(times, s.at), append(values, value)
		}
		most := 0.0
		for _, value := range values {
			most = max(most, value)
		}
		var points strings.Builder
		for n, value := range values {
			x := plotWidth * (1 - now.Sub(times[n]).Seconds()/sampledFor.Seconds())
			fmt.Fprintf(&points, "%.1f,%.1f ", x, plotHeight-1-(plotHeight-2)*value/max(most, 1))
		}
		plots = append(plots, plot{
			Title: p.title, Now: figure(values[len(values)-1]), Most: figure(most), Points: strings.TrimSpace(points.String()), Since: samples[0].at,
		})
	}
	return plots
}

func figure(x float64) string {
	if x < 10 && x != float64(int64(x)) {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}
