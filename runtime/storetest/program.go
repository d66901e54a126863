package storetest

import (
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var programRules = []rule{
	{name: "programs are listed as they were recorded last", check: recordPrograms},
	{name: "a manifest is stored once, under its digest", check: keepManifests},
	{name: "programs that were not seen for long are forgotten, with manifests that no other has", check: forgetPrograms},
}

func (k *kit) record(program store.Program, manifest []byte) {
	k.Helper()
	if err := k.programs.RecordProgram(k.ctx, program, manifest); err != nil {
		k.Fatalf("RecordProgram: %v", err)
	}
}

func (k *kit) wantPrograms(want ...store.Program) {
	k.Helper()
	if got, err := k.programs.Programs(k.ctx); err != nil || !slices.Equal(got, want) {
		k.Errorf("got programs %+v, error %v, want %+v", got, err, want)
	}
}

// wantManifest says what is stored under a digest; nothing for "".
func (k *kit) wantManifest(digest, want string) {
	k.Helper()
	got, err := k.programs.Manifest(k.ctx, digest)
	if err != nil || string(got) != want || (got == nil) != (want == "") {
		k.Errorf("manifest %s is %q, error %v, want %q", digest, got, err, want)
	}
}

func recordPrograms(k *kit) {
	k.wantPrograms()
	web := store.Program{Process: "web/1", Version: "v1", Digest: "one", StartedAt: at(0), SeenAt: at(0), Until: at(90)}
	old := store.Program{Process: "a \"process\"", Digest: "one", StartedAt: at(-9), SeenAt: at(-5), Until: at(85)}
	k.record(web, []byte(`{}`))
	k.record(old, nil)
	k.wantPrograms(old, web)
	web.SeenAt, web.Until = at(30), at(120)
	k.record(web, nil)
	old.StoppedAt, old.SeenAt, old.Until = at(7), at(7), at(7)
	k.record(old, nil)
	k.wantPrograms(old, web)
	old.StoppedAt, old.SeenAt, old.Version = time.Time{}, at(9), "v1 again"
	k.record(old, nil)
	k.wantPrograms(old, web)
	next := store.Program{Process: old.Process, Version: "v2", Digest: "two", StartedAt: at(40), SeenAt: at(40), Until: at(130)}
	k.record(next, []byte(`{"workflows": []}`))
	k.wantPrograms(old, next, web)
}

func keepManifests(k *kit) {
	k.wantManifest("one", "")
	p := store.Program{Process: "web/1", Digest: "one", StartedAt: at(0), SeenAt: at(0), Until: at(90)}
	k.record(p, []byte(`{"a":  "\u0000"}`))
	k.wantManifest("one", `{"a":  "\u0000"}`)
	p.Process = "web/2"
	k.record(p, []byte(`{"another": true}`))
	k.wantManifest("one", `{"a":  "\u0000"}`)
	p.Digest = "two"
	k.record(p, []byte(`[]`))
	k.wantManifest("one", `{"a":  "\u0000"}`)
	k.wantManifest("two", `[]`)
	k.wantManifest("three", "")
}

func forgetPrograms(k *kit) {
	for process, p := range map[string]store.Program{
		"a": {Digest: "both", SeenAt: at(1), Until: at(91)}, "b": {Digest: "both", SeenAt: at(9), Until: at(99)}, "c": {Digest: "gone", SeenAt: at(8), Until: at(98)},
	} {
		p.Process, p.StartedAt = process, at(0)
		k.record(p, []byte(`{}`))
	}
	if err := k.programs.ForgetPrograms(k.ctx, at(9)); err != nil {
		k.Fatalf("ForgetPrograms: %v", err)
	}
	k.wantPrograms(store.Program{Process: "b", Digest: "both", StartedAt: at(0), SeenAt: at(9), Until: at(99)})
	k.wantManifest("both", `{}`)
	k.wantManifest("gone", "")
}
