// Package each is a recipe: an effect for each item of a list, and at most two at once.
package each

import (
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider asks for an effect for each photo. The last result ends the album.
type Decider struct{}

func (Decider) Import(now time.Time, s State, in Import) ImportDecision {
	if len(in.Photos) == 0 {
		return RejectImport(NoPhotos{})
	}
	decision := AcceptImport(Imported{Photos: in.Photos})
	for _, photo := range in.Photos {
		decision = decision.Effect(Resize{AlbumID: in.AlbumID, Photo: photo})
	}
	return decision
}

func (Decider) Resized(now time.Time, s State, in Resized) ResizedDecision {
	if len(s.Left) > 1 {
		return AcceptResized(PhotoDone{Photo: in.Photo})
	}
	return AcceptResized(PhotoDone{Photo: in.Photo}, AlbumDone{})
}

// Evolver keeps the photos that are left.
type Evolver struct{}

func (Evolver) Imported(s State, e Imported) State { s.Left = e.Photos; return s }

func (Evolver) PhotoDone(s State, e PhotoDone) State {
	if i := slices.Index(s.Left, e.Photo); i >= 0 {
		s.Left = slices.Concat(s.Left[:i], s.Left[i+1:])
	}
	return s
}

func (Evolver) AlbumDone(s State, e AlbumDone) State { return s }

// Handler resizes a photo. To do it twice has the same result, so it needs no idempotency key.
type Handler struct {
	Resizer func(ctx context.Context, photo string) error
}

func (h Handler) Resize(ctx context.Context, e Resize, call runtime.EffectCall) (ResizeResult, error) {
	return Resized{Photo: e.Photo}, h.Resizer(ctx, e.Photo)
}
