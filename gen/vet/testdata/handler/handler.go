// Package handler has handlers that ignore their context.
package handler

import (
	"context"
	"database/sql"
	"net/http"
	"os/exec"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

type gateway interface {
	Charge(ctx context.Context, amount int64) error
}

type handling struct {
	shop.Handler
	gateway gateway
	db      *sql.DB
	ctx     context.Context
}

func (h handling) Charge(ctx context.Context, e shop.Charge, call runtime.EffectCall) (shop.ChargeResult, error) {
	if err := h.gateway.Charge(context.Background(), e.Amount); err != nil { // want `^handler: the handler handling.Charge calls context.Background; pass ctx on, or context.WithoutCancel\(ctx\) for what is to outlive it$`
		time.Sleep(time.Second) // want `^handler: the handler handling.Charge calls time.Sleep; return runtime.Snooze, or runtime.RetryAfter with the error, and the pause$`
		return nil, err
	}
	h.log()         // want `the handler handling.Charge calls handling.log, which calls context.TODO \(handler.go:\d+\); pass ctx on`
	h.poll()        // want `calls handling.poll, which calls time.Sleep`
	func(ctx int) { // the name is another's
		_ = h.gateway.Charge(context.Background(), 0) // want `calls context.Background`
	}(0)
	return shop.Charged{}, nil
}

func (h handling) log() { _ = h.gateway.Charge(context.TODO(), 0) }

func (h handling) poll() { time.Sleep(1) }

func (h handling) Mail(ctx context.Context, e shop.Mail, call runtime.EffectCall) error {
	_, err := http.Get("https://example.com") // want `^handler: the handler handling.Mail calls http.Get, which does not end with the attempt; use what takes ctx$`
	if err != nil {
		return err
	}
	_, err = http.NewRequest("GET", "https://example.com", nil) // want `calls http.NewRequest, which`
	_, err = h.db.Exec("DELETE")                                // want `calls sql.DB.Exec, which`
	err = exec.Command("sendmail").Run()                        // want `calls exec.Command, which`
	return err
}

// blind does not use its context at all.
type blind struct {
	shop.Handler
	gateway gateway
	ctx     context.Context
}

func (h blind) Charge(_ context.Context, e shop.Charge, _ runtime.EffectCall) (shop.ChargeResult, error) { // want `^handler: the handler blind.Charge does not use its context, though h.gateway.Charge takes one; pass it on$`
	return shop.Charged{}, h.gateway.Charge(h.ctx, e.Amount)
}

func (h blind) Mail(ctx context.Context, e shop.Mail, _ runtime.EffectCall) error { // want `the handler blind.Mail does not use its context`
	return h.gateway.Charge(nil, 3)
}

// heeding does everything right.
type heeding struct {
	shop.Handler
	gateway gateway
	db      *sql.DB
}

func (h heeding) Charge(ctx context.Context, e shop.Charge, _ runtime.EffectCall) (shop.ChargeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := h.gateway.Charge(ctx, e.Amount); err != nil {
		return nil, runtime.RetryAfter(err, time.Minute)
	}
	go h.gateway.Charge(context.WithoutCancel(ctx), 0)
	request, err := http.NewRequest("GET", "https://example.com", nil)
	if err != nil {
		return nil, err
	}
	_, err = http.DefaultClient.Do(request.WithContext(ctx))
	return shop.Charged{}, err
}

// Mail needs no context: it calls nothing that takes one.
func (h heeding) Mail(_ context.Context, e shop.Mail, _ runtime.EffectCall) error {
	mailed = append(mailed, e.Text)
	return nil
}

var mailed []string
