package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var uniqueKeyRules = []rule{
	{name: "another instance that holds the key is named", check: keyHolder},
	{name: "whoever asks is told who holds a key", check: keyHolderIsKnown},
	{name: "keys are per workflow", check: keyPerWorkflow},
	{name: "the holder may ask for its key again", check: keyAgain},
	{name: "an instance may hold several keys", check: severalKeys},
	{name: "the key is free after its holder completed", check: keyAfterCompletion},
	{name: "keys are compared byte for byte", check: keyBytes},
	{name: "one instance created by many callers with its key never conflicts with itself", check: sameInstanceSameKey},
	{name: "of many instances that ask for one key exactly one gets it and the others leave nothing", check: manyInstancesOneKey},
	{name: "a key that changes hands has one holder at any time", check: keyChangesHands},
}

// heldBy accepts the refusal of a key that asker wanted because holder has it.
func heldBy(holder, key string, asker store.InstanceKey) func(error) bool {
	return func(err error) bool {
		var conflict *store.UniqueKeyConflict
		return errors.As(err, &conflict) &&
			*conflict == store.UniqueKeyConflict{Instance: asker, Key: key, Holder: holder}
	}
}

func isKeyConflict(err error) bool {
	var conflict *store.UniqueKeyConflict
	return errors.As(err, &conflict)
}

func withKey(c store.Change, key string) store.Change {
	c.UniqueKey = key
	return c
}

func keyHolder(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"))
	k.commit(change(order("3"), 0, 1))
	k.refuse(heldBy("1", "ann", order("2")), withKey(change(order("2"), 0, 1), "ann"))
	k.refuse(heldBy("1", "ann", order("3")), withKey(change(order("3"), 1, 1), "ann"))
}

func keyHolderIsKnown(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"))
	k.commit(withKey(change(store.InstanceKey{Workflow: "invoice", ID: "2"}, 0, 1), "bob"))
	requests := []store.ReadRequest{
		{Instance: order("1"), UniqueKey: "ann"}, {Instance: order("2"), UniqueKey: "ann"}, {Instance: order("3")},
		{Instance: order("4"), UniqueKey: "bob"},
	}
	wantHolders := func(instances []store.Instance) {
		var holders []string
		for _, i := range instances {
			holders = append(holders, i.KeyHolder)
		}
		if want := []string{"1", "1", "", ""}; !slices.Equal(holders, want) {
			k.Errorf("got %q, want %q", holders, want)
		}
	}
	instances, err := k.Store.Read(k.ctx, requests)
	if err != nil {
		k.Fatal(err)
	}
	wantHolders(instances)
	u, err := k.Store.Begin(k.ctx, requests)
	if err != nil {
		k.Fatal(err)
	}
	defer k.rollback(u)
	wantHolders(u.Instances())
}

func keyPerWorkflow(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"))
	k.commit(withKey(change(store.InstanceKey{Workflow: "invoice", ID: "2"}, 0, 1), "ann"))
}

func keyAgain(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"))
	k.commit(withKey(change(order("1"), 1, 1), "ann"))
	k.wantVersion(order("1"), 2)
	k.wantTable("unique_keys", "key, instance", "ann|1")
}

func severalKeys(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"))
	k.commit(withKey(change(order("1"), 1, 1), "bob"))
	k.refuse(heldBy("1", "ann", order("2")), withKey(change(order("2"), 0, 1), "ann"))
	k.refuse(heldBy("1", "bob", order("2")), withKey(change(order("2"), 0, 1), "bob"))
	k.commit(complete(change(order("1"), 2, 1)))
	k.wantTable("unique_keys", "*")
}

func keyAfterCompletion(k *kit) {
	for i := range 5 {
		instance := order(fmt.Sprint(i))
		k.commit(withKey(change(instance, 0, 1), "ann"))
		k.refuse(heldBy(instance.ID, "ann", order("x")), withKey(change(order("x"), 0, 1), "ann"))
		k.commit(complete(change(instance, 1, 1)))
	}
}

func keyBytes(k *kit) {
	keys := []string{"ann", "Ann", "ann ", " ann", "änn", "a\u0308nn", "1", "01", "1.0", "%", "_", `"`}
	for i, key := range keys {
		k.commit(withKey(change(order(fmt.Sprint(i)), 0, 1), key))
	}
	k.wantRows(map[string]int{"instances": len(keys), "events": len(keys), "unique_keys": len(keys)})
}

func sameInstanceSameKey(k *kit) {
	const callers = 24
	k.together(callers, func(int) error {
		return k.decideOne(order("1"), func(i store.Instance) store.Change {
			return withKey(change(order("1"), i.Version, 1), "ann")
		})
	})
	k.wantVersion(order("1"), callers)
	k.wantTable("unique_keys", "key, instance", "ann|1")
}

func manyInstancesOneKey(k *kit) {
	const callers = 24
	var winner atomic.Value
	k.together(callers, func(n int) error {
		instance := order(fmt.Sprint(n))
		err := k.decideOne(instance, func(i store.Instance) store.Change {
			return withKey(full(instance, i.Version, ""), "ann")
		})
		switch {
		case err == nil && !winner.CompareAndSwap(nil, instance.ID):
			return errors.New("a second instance got the key")
		case err != nil && !isKeyConflict(err):
			return err
		}
		return nil
	})
	k.wantRows(map[string]int{"instances": 1, "events": 2, "effects": 1, "timers": 1, "unique_keys": 1})
	id, _ := winner.Load().(string)
	k.wantTable("unique_keys", "key, instance", "ann|"+id)
	k.refuse(heldBy(id, "ann", order("late")), withKey(change(order("late"), 0, 1), "ann"))
}

func keyChangesHands(k *kit) {
	var holders atomic.Int32
	k.together(8, func(n int) error {
		for got, try := 0, 0; got < 3 && k.ctx.Err() == nil; try++ {
			instance := order(fmt.Sprintf("%d of %d", try, n))
			err := k.try(withKey(change(instance, 0, 1), "ann"))
			if isKeyConflict(err) || isConflict(err) {
				continue
			}
			if err != nil {
				return err
			}
			got++
			if now := holders.Add(1); now != 1 {
				return fmt.Errorf("%d instances hold the key", now)
			}
			holders.Add(-1) // before the completion, after which another may get it
			if err := k.try(complete(change(instance, 1, 1))); err != nil {
				return err
			}
		}
		return nil
	})
	k.wantTable("unique_keys", "*")
}
