package store

import (
	"context"
	"time"
)

// Programs is the ability of a store to know which programs run on it. Engine.Run tells it, so that tools can work without the
// workflows' code, and so that a rollout can be watched. Package admin reads it.
type Programs interface {
	// RecordProgram stores what is known of a program: in place of what was stored of the process with the same manifest. A manifest that
	// is given is stored under its digest, if there is none yet.
	RecordProgram(ctx context.Context, program Program, manifest []byte) error

	// Programs returns the programs, sorted by process and digest.
	Programs(ctx context.Context) ([]Program, error)

	// Manifest returns the manifest of a digest, or nil when there is none.
	Manifest(ctx context.Context, digest string) ([]byte, error)

	// ForgetPrograms deletes the programs that were last seen before a time, and the manifests that no program has then.
	ForgetPrograms(ctx context.Context, before time.Time) error
}

// Program is a process that runs, or ran, on the store with the workflows of one manifest.
type Program struct {
	Process string // Config.Name
	Version string // Config.Version
	Digest  string // of the manifest, which describes the program's workflows

	StartedAt time.Time
	SeenAt    time.Time // when it was last there
	Until     time.Time // until when it counts as running, unless it stops before or is seen again
	StoppedAt time.Time // when it stopped by itself; zero while it runs, and for a process that died
}
