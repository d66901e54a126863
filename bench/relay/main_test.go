package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream/jetstreamtest"
	"github.com/ironflow-gen/ironflow/runtime/relay/kafka/kafkatest"
)

func TestMain(m *testing.M) {
	jetstreamtest.RunNode()
	runAsChild()
	os.Exit(m.Run())
}

// The benchmark still works, and nothing is lost.
func TestRun(t *testing.T) {
	for _, only := range []string{"jetstream", "kafka"} {
		t.Run(only, func(t *testing.T) {
			if _, err := kafkatest.Jars(); only == "kafka" && err != nil {
				t.Skip(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			var out strings.Builder
			if err := run(ctx, size{warmUp: 1000, events: 20_000, kills: 3, restarts: 1, batch: 1000, replicas: 3, only: only}, &out); err != nil {
				t.Fatal(err)
			}
			t.Log("\n" + out.String())
		})
	}
}
