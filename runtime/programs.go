package runtime

import (
	"cmp"
	"context"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

const (
	// programBeat is how often an engine tells its store that it is still there, unless it polls less often than that, programBeats how
	// many of them may be missing, and programKept for how long it is remembered after the last one.
	programBeat  = 30 * time.Second
	programBeats = 3
	programKept  = 30 * 24 * time.Hour

	// localBeat is programBeat on a store in memory.
	localBeat = time.Hour

	// programFarewell bounds the last call.
	programFarewell = 2 * time.Second
)

// manifest describes this program.
func (e *Engine) manifest() *workflow.Manifest {
	m := &workflow.Manifest{
		Effects: e.deliveries.Kinds(store.EffectQueue), Timers: e.deliveries.Kinds(store.TimerQueue), Projections: e.projections.Names(),
	}
	for _, name := range slices.Sorted(maps.Keys(e.workflows)) {
		m.Workflows = append(m.Workflows, e.workflows[name].Describe())
	}
	return m
}

// recordProgram tells the store what runs on it, until ctx ends.
func (e *Engine) recordProgram(ctx context.Context) {
	if !bound.Has[store.Programs](e.store) {
		return
	}
	manifest, digest := e.manifest().Encode()
	beat := max(programBeat, e.config.PollInterval)
	if bound.Has[store.DueTimes](e.store) { // the store is in this process
		beat = max(beat, localBeat)
	}
	now := store.StoredTime(e.config.Clock.Now())
	p := store.Program{Process: e.config.Name, Version: e.config.Version, Digest: digest, StartedAt: now}
	record := func(ctx context.Context) error {
		p.SeenAt = store.StoredTime(e.config.Clock.Now())
		p.Until = p.SeenAt.Add(programBeats * beat)
		return e.store.RecordProgram(ctx, p, manifest)
	}
	err := bound.Retry(ctx, e.config.Clock, func() error { return record(ctx) })
	if err == nil {
		err = e.store.ForgetPrograms(ctx, now.Add(-programKept))
	}
	for {
		if err != nil && ctx.Err() == nil {
			e.config.Logger.WarnContext(ctx, "ironflow: telling the store that this program runs failed", "error", err)
		}
		select {
		case <-ctx.Done():
			farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), programFarewell)
			defer cancel()
			p.StoppedAt = store.StoredTime(e.config.Clock.Now())
			_ = record(farewell) // otherwise the program is seen no more after a time
			return
		case <-e.config.Clock.After(beat):
			err = record(ctx)
		}
	}
}

// programVersion is what the build knows: the version of the main module, and the commit.
func programVersion() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := make(map[string]string)
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	version := build.Main.Version
	if version == "(devel)" {
		version = ""
	}
	return cmp.Or(version, settings["vcs.revision"])
}
