package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	runAsChild()
	os.Exit(m.Run())
}

// A generation is added and the one before is retired, while processes are killed.
func TestTorment(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server and kills processes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var out strings.Builder
	ok, err := (&torment{kills: 1, processes: 3, log: os.Stderr}).run(ctx, &out)
	t.Log("\n" + out.String())
	if err != nil || !ok {
		t.Error(ok, err)
	}
}
