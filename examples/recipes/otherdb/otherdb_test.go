package otherdb

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
	_ "modernc.org/sqlite"
)

// lossy loses the answer of the first two bookings.
type lossy struct{ Handler }

func (h lossy) Book(ctx context.Context, e Book, call runtime.EffectCall) (BookResult, error) {
	result, err := h.Handler.Book(ctx, e, call)
	if err == nil && call.Attempt <= 2 {
		return nil, errors.New("connection reset")
	}
	return result, err
}

func TestBookedOnce(t *testing.T) {
	ledger, err := sql.Open("sqlite", t.TempDir()+"/ledger.db")
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	if _, err := ledger.ExecContext(t.Context(), Schema); err != nil {
		t.Fatal(err)
	}
	client := NewClient(recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, lossy{Handler{Ledger: ledger}})))
	if _, err := client.Sell(t.Context(), Sell{SaleID: "s-1", AmountCents: 700}); err != nil {
		t.Fatal(err)
	}
	recipetest.Await(t, client.State, "s-1")
	var entries, cents int
	if err := ledger.QueryRowContext(t.Context(), "SELECT count(*), sum(amount_cents) FROM ledger").Scan(&entries, &cents); err != nil {
		t.Fatal(err)
	}
	if entries != 1 || cents != 700 {
		t.Errorf("the ledger has %d entries of %d cents", entries, cents)
	}
}
