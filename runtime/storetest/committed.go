package storetest

import (
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var committedRules = []rule{
	{name: "a version was stored by its own commit and by no other", check: committedBy},
	{name: "an id may be any number but 0", check: idNumbers},
	{name: "what does not exist was stored by no commit", check: committedNowhere},
	{name: "a commit that was refused is none", check: committedRefused},
	{name: "all events of a batch bear its id", check: idInTable},
	{name: "a commit that is under way is waited for", check: committedUnderWay, concurrent: true, needs: []string{"SQL"}},
}

func (k *kit) committed(instance store.InstanceKey, version int64, id store.CommitID) bool {
	k.Helper()
	stored, err := k.Store.Committed(k.ctx, instance, version, id)
	if err != nil {
		k.Fatalf("Committed: %v", err)
	}
	return stored
}

func (k *kit) commitAs(id store.CommitID, changes ...store.Change) {
	k.Helper()
	if err := k.tryAs(id, changes...); err != nil {
		k.Fatalf("%v: %v", k.way, err)
	}
}

func committedBy(k *kit) {
	commits := map[int64]store.CommitID{1: 11, 2: 11, 3: 33, 4: 44}
	k.commitAs(11, change(order("1"), 0, 2), change(order("2"), 0, 1))
	k.commitAs(33, change(order("1"), 2, 1))
	k.commitAs(44, complete(change(order("1"), 3, 1)))
	for version, id := range commits {
		for _, other := range []store.CommitID{11, 33, 44, 55, -11} {
			if got := k.committed(order("1"), version, other); got != (other == id) {
				k.Errorf("version %d was stored by %d: got %v for %d", version, id, got, other)
			}
		}
	}
	if !k.committed(order("2"), 1, 11) {
		k.Error("the second member of a batch is not known")
	}
}

func idNumbers(k *kit) {
	for i, id := range []store.CommitID{1, -1, math.MaxInt64, math.MinInt64, 1 << 53} {
		k.commitAs(id, change(order(fmt.Sprint(i)), 0, 1))
		if !k.committed(order(fmt.Sprint(i)), 1, id) || k.committed(order(fmt.Sprint(i)), 1, id+1) {
			k.Errorf("id %d is not told from others", id)
		}
	}
}

func committedNowhere(k *kit) {
	k.commitAs(11, change(order("1"), 0, 2))
	for _, version := range []int64{0, 3, -1} {
		if k.committed(order("1"), version, 11) {
			k.Errorf("version %d, which there is not, was stored", version)
		}
	}
	for _, instance := range []store.InstanceKey{order("2"), {Workflow: "invoice", ID: "1"}} {
		if k.committed(instance, 1, 11) {
			k.Errorf("an event of %s, which there is not, was stored", instance)
		}
	}
}

func committedRefused(k *kit) {
	k.commitAs(11, change(order("1"), 0, 1))
	if err := k.tryAs(22, change(order("2"), 0, 1), change(order("1"), 0, 1)); err == nil {
		k.Fatal("a stale change was stored")
	}
	if k.committed(order("1"), 1, 22) || k.committed(order("2"), 1, 22) {
		k.Error("a commit that failed was stored")
	}
}

func idInTable(k *kit) {
	k.commitAs(11, change(order("1"), 0, 2), change(order("2"), 0, 1))
	k.commitAs(22, change(order("2"), 1, 1))
	k.wantTable("events", "instance, version, commit_id", "1|1|11", "1|2|11", "2|1|11", "2|2|22")
}

// committedUnderWay writes to the tables itself, because it has to stop before COMMIT.
func committedUnderWay(k *kit) {
	k.commitAs(11, change(order("old"), 0, 1))
	write := func(id string, version int64) *sql.Tx {
		tx, err := k.DB.BeginTx(k.ctx, nil)
		if err != nil {
			k.Fatal(err)
		}
		var statements []string
		if version == 1 {
			statements = append(statements, `INSERT INTO `+k.Prefix+`instances (instance, workflow, created_at)
				SELECT '`+id+`', workflow, created_at FROM `+k.Prefix+`instances WHERE instance = 'old'`)
		}
		event := fmt.Sprintf(`INSERT INTO %sevents
			(instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
			SELECT '%s', workflow, %d, type, schema_version, payload, recorded_at, 22
			FROM %[1]sevents WHERE instance = 'old' AND version = 1`, k.Prefix, id, version)
		for _, statement := range append(statements, event) {
			if _, err := tx.ExecContext(k.ctx, statement); err != nil {
				k.Fatalf("%s: %v", statement, err)
			}
		}
		return tx
	}
	for _, end := range []struct {
		what   string
		end    func(*sql.Tx) error
		stored bool
	}{{"rolled back", (*sql.Tx).Rollback, false}, {"committed", (*sql.Tx).Commit, true}} {
		for id, version := range map[string]int64{"old": 2, "new": 1} {
			tx := write(id, version)
			answer := make(chan error, 1)
			go func() {
				stored, err := k.Store.Committed(k.ctx, order(id), version, 22)
				if err == nil && stored != end.stored {
					err = fmt.Errorf("stored: %v", stored)
				}
				answer <- err
			}()
			select {
			case err := <-answer:
				k.Errorf("%s: Committed did not wait for the commit that was then %s: error %v", id, end.what, err)
				answer <- nil
			case <-time.After(100 * time.Millisecond):
			}
			if err := end.end(tx); err != nil {
				k.Fatal(err)
			}
			if err := <-answer; err != nil {
				k.Errorf("%s, which was %s: %v", id, end.what, err)
			}
		}
	}
}
