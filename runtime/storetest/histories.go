package storetest

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A database that is set back, by a failover or from a backup, gives the same versions and tokens a second time. So does an instance
// that is deleted and created again. Only the commits tell what belongs together.

var historyRules = []rule{
	{name: "an event comes with its commit, an instance with that of its last event", check: commitsAreRead},
	{name: "a change on an event of another commit is a conflict", check: changeOnOtherHistory},
	{name: "a change on an instance that was deleted, or created again since, is a conflict", check: changeOnEarlierInstance, needs: []string{"Forgetting"}},
	{name: "what is unchanged at its version but of another commit is a conflict", check: unchangedOfOtherHistory},
	{name: "a snapshot of another commit is not saved", check: snapshotOfOtherHistory, needs: []string{"Snapshots"}},
	{name: "a snapshot of a lost history is passed over, and makes room for an older one", check: snapshotOfLostHistory, needs: []string{"Snapshots", "SQL"}},
}

var historyOfDeliveryRules = []queueRule{
	{name: "a lease names the commit that made the delivery", check: leaseNamesCommit, needs: []string{"Inspection"}},
	{name: "a lease on a delivery of another commit is lost", check: leaseOfOtherHistory},
	{name: "a dead letter of another commit is gone", check: deadLetterOfOtherHistory, needs: []string{"DeadLetters"}},
}

// exec changes the tables, as only a database that was set back does.
func (k *kit) exec(format string, args ...any) {
	k.Helper()
	if _, err := k.DB.ExecContext(k.ctx, fmt.Sprintf(format, args...)); err != nil {
		k.Fatalf("%s: %v", format, err)
	}
}

func commitsAreRead(k *kit) {
	instance := order("1")
	for i, id := range []store.CommitID{11, 22, 33} {
		if err := k.tryAs(id, change(instance, int64(2*i), 2)); err != nil {
			k.Fatal(err)
		}
	}
	whole := k.load(instance)
	var commits []store.CommitID
	for _, e := range whole.Events {
		commits = append(commits, e.Commit)
	}
	if !slices.Equal(commits, []store.CommitID{11, 11, 22, 22, 33, 33}) || whole.LastCommit != 33 || whole.AfterCommit != 0 {
		k.Errorf("got events of commits %d, last commit %d, after commit %d", commits, whole.LastCommit, whole.AfterCommit)
	}
	k.save(snapshot(instance, 4, "a"))
	for _, c := range []struct {
		request     store.ReadRequest
		last, after store.CommitID
	}{
		{store.ReadRequest{After: 1}, 33, 11},
		{store.ReadRequest{After: 3}, 33, 22},
		{store.ReadRequest{After: 6}, 33, 33},
		{store.ReadRequest{After: 7}, 33, 0},
		{store.ReadRequest{Schema: "a"}, 33, 0},
		{store.ReadRequest{Schema: "a", After: 1}, 33, 11},
		{store.ReadRequest{Schema: "a", After: 5}, 33, 33},
	} {
		c.request.Instance = instance
		got := k.read(c.request)[0]
		if got.LastCommit != c.last || got.AfterCommit != c.after {
			k.Errorf("%+v: got last commit %d, after commit %d, want %d, %d", c.request, got.LastCommit, got.AfterCommit, c.last, c.after)
		}
		if got.Snapshot != nil && got.Snapshot.Commit != 22 {
			k.Errorf("%+v: got a snapshot of commit %d", c.request, got.Snapshot.Commit)
		}
	}
	k.save(snapshot(instance, 6, "a"))
	if got := k.read(store.ReadRequest{Instance: instance, Schema: "a"})[0]; got.LastCommit != 33 || len(got.Events) > 0 && k.snapshots != nil {
		k.Errorf("with a snapshot of the last version: got %+v", got)
	}
	u := k.begin(instance, order("none"))
	if got := u.Instances(); got[0].LastCommit != 33 || got[1].LastCommit != 0 {
		k.Errorf("a unit of work: got last commits %d, %d", got[0].LastCommit, got[1].LastCommit)
	}
	k.rollback(u)
}

func changeOnOtherHistory(k *kit) {
	if err := k.tryAs(11, full(order("1"), 0, ""), full(order("2"), 0, "")); err != nil {
		k.Fatal(err)
	}
	on := func(id string, commit store.CommitID) store.Change {
		c := change(order(id), 2, 1)
		c.LastCommit = commit
		return c
	}
	keyed := on("1", 12)
	keyed.UniqueKey = "ann"
	for _, changes := range [][]store.Change{
		{on("1", 12)},
		{keyed},
		{complete(on("1", 12))},
		{on("1", 12), on("2", 11)},
		{on("1", 11), on("2", 12)},
		{change(order("new"), 0, 1), on("2", 12)},
	} {
		k.refuse(isConflict, changes...)
	}
	k.commit(on("1", 11))
	k.commit(on("2", 11), change(order("new"), 0, 1))
	k.wantVersion(order("1"), 3)
	k.wantVersion(order("2"), 3)
}

func changeOnEarlierInstance(k *kit) {
	if err := k.tryAs(11, change(order("1"), 0, 2)); err != nil {
		k.Fatal(err)
	}
	stale := func(status string) []store.Change {
		one := change(order("1"), 2, 1)
		one.LastCommit, one.Status = 11, status
		return []store.Change{one, complete(one)}
	}
	refuse := func(when string) {
		k.Helper()
		for _, c := range stale(when) {
			k.refuse(isConflict, c)
			k.refuse(isConflict, c, full(order("beside"), 0, "ann"))
			unchanged := store.InstanceVersion{Instance: c.Instance, Version: c.Version, LastCommit: c.LastCommit}
			if err := k.appendUnchanged([]store.InstanceVersion{unchanged}); !isConflict(err) {
				k.Errorf("%s, unchanged: got error %v", when, err)
			}
		}
	}
	k.commit(complete(change(order("1"), 2, 1)))
	refuse("completed")
	for _, events := range []int{1, 2, 3, 4} {
		found := k.load(order("1"))
		k.delete(versionOf(order("1"), found.Version))
		refuse("deleted")
		k.commit(change(order("1"), 0, events))
		refuse(fmt.Sprintf("created again with %d events", events))
		k.commit(complete(change(order("1"), int64(events), 1)))
		refuse("completed again")
	}
}

func unchangedOfOtherHistory(k *kit) {
	if err := k.tryAs(11, change(order("1"), 0, 2), change(order("2"), 0, 1)); err != nil {
		k.Fatal(err)
	}
	at := func(id string, version int64, commit store.CommitID) store.InstanceVersion {
		return store.InstanceVersion{Instance: order(id), Version: version, LastCommit: commit}
	}
	for n, c := range []struct {
		unchanged []store.InstanceVersion
		conflict  bool
	}{
		{[]store.InstanceVersion{at("1", 2, 11), at("2", 1, 11), at("none", 0, 0)}, false},
		{[]store.InstanceVersion{at("1", 2, 0)}, false},
		{[]store.InstanceVersion{at("1", 2, 12)}, true},
		{[]store.InstanceVersion{at("1", 2, 11), at("2", 1, 12)}, true},
		{[]store.InstanceVersion{at("1", 1, 11)}, true},
	} {
		for _, changes := range [][]store.Change{nil, {change(order(fmt.Sprint("new ", n)), 0, 1)}} {
			before := k.dump()
			err := k.appendUnchanged(c.unchanged, changes...)
			if isConflict(err) != c.conflict || err != nil && !c.conflict {
				k.Errorf("%+v with %d changes: got error %v", c.unchanged, len(changes), err)
			}
			if c.conflict {
				k.unchanged(before)
			}
		}
	}
}

func snapshotOfOtherHistory(k *kit) {
	if err := k.tryAs(11, change(order("1"), 0, 9)); err != nil {
		k.Fatal(err)
	}
	saved := snapshot(order("1"), 4, "a")
	saved.Commit = 11
	late := snapshot(order("1"), 6, "a")
	late.Commit = 12
	for _, s := range []store.Snapshot{late, saved, late} {
		if err := k.snapshots.SaveSnapshots(k.ctx, []store.Snapshot{s}); err != nil {
			k.Fatal(err)
		}
	}
	k.wantSnapshots(`order|1|4|a|{"of":"1","version":4}`)
}

func snapshotOfLostHistory(k *kit) {
	if err := k.tryAs(11, change(order("1"), 0, 9)); err != nil {
		k.Fatal(err)
	}
	k.save(snapshot(order("1"), 8, "a"))
	k.exec("UPDATE %ssnapshots SET commit_id = 12", k.Prefix)
	for _, request := range []store.ReadRequest{{Schema: "a"}, {Schema: "a", After: 3}} {
		request.Instance = order("1")
		got := k.read(request)[0]
		k.wantTail(got, request.After, 9, false)
	}
	u, err := k.Store.Begin(k.ctx, []store.ReadRequest{{Instance: order("1"), Schema: "a"}})
	if err != nil {
		k.Fatal(err)
	}
	k.wantTail(first(u), 0, 9, false)
	k.rollback(u)
	k.save(snapshot(order("1"), 5, "a"))
	k.wantSnapshots(`order|1|5|a|{"of":"1","version":5}`)
	k.wantTail(k.read(store.ReadRequest{Instance: order("1"), Schema: "a"})[0], 5, 9, true)
}

func leaseNamesCommit(l line) {
	if err := l.tryAs(11, l.with(change(order("1"), 0, 1), l.kind, at(0))); err != nil {
		l.Fatal(err)
	}
	// A batch, in which another statement stores them.
	if err := l.tryAs(22, l.with(change(order("2"), 0, 1), l.kind, at(1)), l.with(change(order("3"), 0, 1), l.kind, at(2))); err != nil {
		l.Fatal(err)
	}
	want := map[string]store.CommitID{"1": 11, "2": 22, "3": 22}
	got := l.claim(at(9), at(60), 9)
	if len(got) != 3 {
		l.Fatalf("got %d deliveries, want 3", len(got))
	}
	for _, d := range got {
		if d.Lease.Commit != want[d.Lease.Instance.ID] {
			l.Errorf("%s: got commit %d", d.Lease.Instance, d.Lease.Commit)
		}
		waiting, err := l.inspection.Waiting(l.ctx, l.name, d.Lease.Instance, 9)
		if err != nil || len(waiting) != 1 || waiting[0].Lease != d.Lease {
			l.Errorf("%s waits as %+v, error %v", d.Lease.Instance, waiting, err)
		}
	}
	if l.name == store.TimerQueue { // one that replaces it is of its own commit
		replaces := l.with(change(order("1"), 1, 1), l.kind, at(3))
		if err := l.tryAs(33, replaces); err != nil {
			l.Fatal(err)
		}
		if got := l.claim(at(9), at(60), 9); len(got) != 1 || got[0].Lease.Commit != 33 {
			l.Errorf("got %+v", got)
		}
	}
}

func leaseOfOtherHistory(l line) {
	if err := l.tryAs(11, l.with(change(order("1"), 0, 1), l.kind, at(0))); err != nil {
		l.Fatal(err)
	}
	lease := l.lease()
	other := *lease
	other.Commit = 12
	l.wantOver(&other)

	before := l.dump()
	own := change(order("1"), 1, 1) // which has a statement of its own
	own.Consume = []store.Lease{other}
	l.refuse(isLeaseLost, own)
	settles := change(order("x"), 0, 1)
	settles.Settle = []store.Settlement{{Lease: other, Verdict: store.Again, At: at(1)}}
	l.refuse(isLeaseLost, settles)
	l.unchanged(before)

	own.Consume = []store.Lease{*lease}
	l.commit(own)
	l.wantRows(map[string]int{"instances": 1, "events": 2})
}

func deadLetterOfOtherHistory(l line) {
	l.put("1", at(0))
	l.settle(l.lease(), store.Dead, at(50), "gave up")
	letters := l.listed()
	if len(letters) != 1 || letters[0].Lease.Commit != l.load(order("1")).LastCommit {
		l.Fatalf("got %+v", letters)
	}
	other := letters[0].Lease
	other.Commit++
	before := l.dump()
	if gone, err := l.deadLetters.Revive(l.ctx, l.name, []store.Lease{other}, at(60)); err != nil || !slices.Equal(gone, []store.Lease{other}) {
		l.Errorf("Revive: gone %v, error %v", gone, err)
	}
	if gone, err := l.deadLetters.Discard(l.ctx, l.name, []store.Lease{other}, store.Discard{Reason: "x", At: at(60)}); err != nil ||
		!slices.Equal(gone, []store.Lease{other}) {
		l.Errorf("Discard: gone %v, error %v", gone, err)
	}
	l.unchanged(before)
	if gone, err := l.deadLetters.Revive(l.ctx, l.name, []store.Lease{letters[0].Lease}, at(60)); err != nil || len(gone) > 0 {
		l.Errorf("Revive: gone %v, error %v", gone, err)
	}
}
