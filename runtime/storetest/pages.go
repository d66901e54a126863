package storetest

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var pageRules = []rule{
	{name: "pages of events and observations end by their bytes", check: pagesByBytes},
}

// payloadsOfAllSizes returns payloads some of which a database compresses a thousandfold, and some not at all.
func payloadsOfAllSizes() (list [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n int, compressible bool) []byte {
		var b strings.Builder
		for b.Len() < n {
			if compressible {
				b.WriteString("xxxxxxxxxxxxxxxx")
			} else {
				b.WriteByte("abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"[random.IntN(42)])
			}
		}
		payload, err := json.Marshal(map[string]string{"text": b.String()})
		if err != nil {
			panic(err)
		}
		return payload
	}
	for _, size := range []int{5 << 20, 3 << 20, 3 << 20, 1, store.PageBytes, 10, 1 << 20} {
		list = append(list, text(size, true), text(size/4, false))
	}
	for i := range 40 {
		list = append(list, text(200<<10, i%2 == 0), text(i, true))
	}
	return list
}

func pagesByBytes(k *kit) {
	all := payloadsOfAllSizes()
	first := change(order("1"), 0, len(all))
	for i := range first.Events {
		first.Events[i].Payload = all[i]
	}
	k.commit(first)
	want := k.load(order("1")).Events

	// check looks at one page, of which there are more after it or not.
	check := func(what string, sizes []int, limit int, more bool) {
		k.Helper()
		total := 0
		for i, size := range sizes {
			if total >= store.PageBytes {
				k.Errorf("%s: the page goes on after %d of its %d payloads, which have %d bytes", what, i, len(sizes), total)
				return
			}
			total += size
		}
		if more && len(sizes) < limit && total < store.PageBytes {
			k.Errorf("%s: the page has %d of %d payloads and only %d bytes, and there are more", what, len(sizes), limit, total)
		}
	}
	for _, limit := range []int{1000, 7} {
		var history, feed []store.StoredEvent
		for after := int64(0); ; {
			page, err := k.inspection.History(k.ctx, order("1"), after, limit)
			if err != nil {
				k.Fatalf("History after %d: %v", after, err)
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Version
			check("history", sizesOf(page), limit, after < int64(len(want)))
			history = append(history, page...)
		}
		if !slices.EqualFunc(history, want, sameEvent) {
			k.Errorf("pages of %d: got a history of %d events, want %d", limit, len(history), len(want))
		}
		for _, filters := range [][]store.EventFilter{nil, {{Workflow: order("1").Workflow}}} {
			feed = nil
			for after := store.FeedPosition(0); ; {
				page, err := k.feed.EventsSince(k.ctx, after, limit, filters...)
				if err != nil {
					k.Fatalf("EventsSince %d: %v", after, err)
				}
				if sizes := sizesOf(page.Events); page.Next < page.Settled {
					check("feed", sizes, limit, true)
				}
				feed = append(feed, page.Events...)
				if after = page.Next; after >= page.Settled {
					break
				}
			}
			if !slices.EqualFunc(feed, want, sameEvent) {
				k.Errorf("pages of %d: got a feed of %d events, want %d", limit, len(feed), len(want))
			}
		}
	}
	k.observedPages(all)
}

// observedPages looks at observations as pagesByBytes does at events.
func (k *kit) observedPages(all [][]byte) {
	at := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	var records store.InputRecords
	for i, payload := range all {
		o := store.Observation{
			Instance: order("1"), ObservedAt: at.Add(time.Duration(i/3) * time.Second), Input: "Place", Payload: payload, Outcome: "accepted", Version: 1,
		}
		if i%2 == 0 {
			o.Outcome, o.Rejection, o.RejectionPayload = "rejected", "No", all[(i+1)%len(all)]
		}
		records.Observations = append(records.Observations, o)
	}
	if err := k.inputLog.RecordInputs(k.ctx, records); err != nil {
		k.Fatal(err)
	}
	var got []store.Observation
	query := store.ObservationQuery{Instance: order("1"), Limit: 1000}
	for {
		page, err := k.inputLog.Observations(k.ctx, query)
		if err != nil {
			k.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		total := 0
		for i, o := range page {
			if total >= store.PageBytes {
				k.Errorf("the page goes on after %d of its %d observations, which have %d bytes", i, len(page), total)
				break
			}
			total += len(o.Payload) + len(o.RejectionPayload)
		}
		got = append(got, page...)
		last := page[len(page)-1]
		query.Before, query.BeforeNumber = last.ObservedAt, last.Number
	}
	if len(got) != len(all) {
		k.Errorf("got %d observations, want %d", len(got), len(all))
	}
}

func sizesOf(events []store.StoredEvent) (sizes []int) {
	for _, e := range events {
		sizes = append(sizes, len(e.Payload))
	}
	return sizes
}
