package memory

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Fixture {
		s := New()
		var inserted atomic.Int64
		return storetest.Fixture{
			Store: s,
			Rows: func(table string) (rows []map[string]any) {
				if table != mine {
					return s.Rows(table)
				}
				s.mu.RLock()
				defer s.mu.RUnlock()
				for _, row := range s.values {
					rows = append(rows, map[string]any{"a": row})
				}
				return rows
			},
			Project: storetest.Projecting(s, func(_ context.Context, tx *Tx, table string, row int) error {
				if table != mine {
					return errors.New("no such table")
				}
				return tx.Set(fmt.Sprint("row ", inserted.Add(1)), row)
			}),
		}
	})
}

// mine is the table of the suite's projections.
const mine = "mine"
