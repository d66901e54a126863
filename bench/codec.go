package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
)

func codecProbes() []probe { return []probe{{name: "codec", run: codecs}} }

// jsonOrder is tally.Order as encoding/json needs it.
type jsonOrder struct {
	Type       string     `json:"type"`
	TallyID    string     `json:"tally_id"`
	CustomerID string     `json:"customer_id"`
	Items      []jsonItem `json:"items"`
	TotalCents int64      `json:"total_cents"`
	PlacedAt   time.Time  `json:"placed_at"`
	PaidAt     *time.Time `json:"paid_at"`
	Note       *string    `json:"note"`
}

type jsonItem struct {
	Sku        string `json:"sku"`
	Quantity   int32  `json:"quantity"`
	PriceCents int64  `json:"price_cents"`
}

func exampleOrder() (tally.Order, jsonOrder) {
	paid := time.Date(2026, 3, 1, 12, 30, 45, 123456000, time.UTC)
	ours := tally.Order{
		TallyID:    "order-01HXYZABCDEF0123456789",
		CustomerID: "customer-7731",
		Items: []tally.Item{
			{Sku: "tea-assam-250g", Quantity: 2, PriceCents: 799},
			{Sku: "tea-sencha-100g", Quantity: 1, PriceCents: 1250},
			{Sku: "pot-cast-iron", Quantity: 1, PriceCents: 6900},
			{Sku: "cup-double-wall", Quantity: 6, PriceCents: 899},
			{Sku: "filter-paper-xl", Quantity: 100, PriceCents: 5},
		},
		TotalCents: 15642,
		PlacedAt:   time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC),
		PaidAt:     &paid,
	}
	theirs := jsonOrder{Type: "Order", TallyID: ours.TallyID, CustomerID: ours.CustomerID,
		TotalCents: ours.TotalCents, PlacedAt: ours.PlacedAt, PaidAt: ours.PaidAt, Note: ours.Note}
	for _, item := range ours.Items {
		theirs.Items = append(theirs.Items, jsonItem(item))
	}
	return ours, theirs
}

// codecs measures the generated codec and encoding/json on the same message, in turn.
func codecs(ctx context.Context, _ *bench) (figures, error) {
	ours, theirs := exampleOrder()
	text, err := tally.EncodeOrder(ours)
	if err != nil {
		return nil, err
	}
	contestants := map[string]func() error{
		"encode":      func() error { _, err := tally.EncodeOrder(ours); return err },
		"decode":      func() error { _, err := tally.DecodeOrder(text); return err },
		"json encode": func() error { _, err := json.Marshal(theirs); return err },
		"json decode": func() error { var v jsonOrder; return json.Unmarshal(text, &v) },
	}
	took := make(map[string][]float64) // seconds for one call
	for range 20 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for name, call := range contestants {
			const calls = 1000
			began := time.Now()
			for range calls {
				if err := call(); err != nil {
					return nil, err
				}
			}
			took[name] = append(took[name], time.Since(began).Seconds()/calls)
		}
	}
	found := figures{}
	for name, seconds := range took {
		found[name] = 1 / report.Median(seconds)
	}
	found["both"] = 1 / (report.Median(took["encode"]) + report.Median(took["decode"]))
	found["json both"] = 1 / (report.Median(took["json encode"]) + report.Median(took["json decode"]))
	return found, nil
}
