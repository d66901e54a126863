package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

// TestMain is the example itself when a test starts it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("DASHBOARD_EXAMPLE") != "" {
		main()
		return
	}
	os.Exit(pgserver.Main(m))
}

// final is the dashboard when all parcels have come where they go.
const final = `  depot       here  delivered
  Bremen         4          0
  Gera           1          0
  Kassel         2          2
  Ulm            0          3
`

func TestDashboard(t *testing.T) {
	t.Parallel()
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		for i := range 2 { // the second time everything has happened already
			var out bytes.Buffer
			if err := run(t.Context(), &out, database, file); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if !strings.HasSuffix(out.String(), "  rebuilt:\n"+final) {
				t.Errorf("it ends with another dashboard:\n%s", &out)
			}
			stopped := strings.Contains(out.String(), `there is no depot "Gera"`)
			if stopped != (i == 0) {
				t.Errorf("run %d: stopped %v\n%s", i, stopped, &out)
			}
			if i == 0 && !strings.Contains(out.String(), "Bremen         6          0\n  Kassel         1          2") {
				t.Errorf("no dashboard after the hand-over:\n%s", &out)
			}
		}
	})
}

// TestKilledAndRestarted kills the example in mid-flight a few times, and lets it come to its end then.
func TestKilledAndRestarted(t *testing.T) {
	t.Parallel()
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		for range 4 {
			killed := example(t, database, file)
			if err := killed.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100*time.Millisecond + rand.N(600*time.Millisecond))
			killed.Process.Kill()
			killed.Wait()
		}
		last := example(t, database, file)
		var output bytes.Buffer
		last.Stdout, last.Stderr = &output, &output
		if err := last.Run(); err != nil || !strings.HasSuffix(output.String(), "  rebuilt:\n"+final) {
			t.Fatalf("%v\n%s", err, &output)
		}
		// What was projected piece by piece, before it was rebuilt, was right, too: the last step but one shows it, unless it
		// was spoilt by a run that was killed in its last.
		if !strings.Contains(output.String(), "99") {
			t.Errorf("nothing was spoilt:\n%s", &output)
		}
		_, db, closeStore, err := storage.OpenDB(t.Context(), database, file)
		if err != nil {
			t.Fatal(err)
		}
		defer closeStore()
		var here, parcels int
		err = db.QueryRowContext(t.Context(), `SELECT (SELECT sum(here) FROM depots), (SELECT count(*) FROM parcels_at_depots)`).Scan(&here, &parcels)
		if err != nil || here != parcels || here != 7 {
			t.Errorf("%d parcels at depots, says the dashboard; %d, say the parcels; error %v", here, parcels, err)
		}
	})
}

func example(t *testing.T, database, file string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-file", file)
	cmd.Env = append(os.Environ(), "DASHBOARD_EXAMPLE=1", "DATABASE_URL="+database)
	return cmd
}
