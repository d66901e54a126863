// Package clean has what people write in deciders, evolvers and handlers, and no pass finds anything in.
package clean

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

// Tables that are made once.
var (
	skuForm   = regexp.MustCompile(`^[A-Z]+$`)
	rates     = map[string]float64{"de": 0.19, "fr": 0.2}
	weekend   = [...]time.Weekday{time.Saturday, time.Sunday}
	letter    = template.Must(template.New("letter").Parse(`Dear {{.}}`))
	errEmpty  = errors.New("there is nothing to buy")
	discounts = sync.OnceValue(func() map[string]int64 { return map[string]int64{"a": 1} })
)

// Limits are set when the program starts.
type Limits struct {
	MaxItems int
	Zone     *time.Location
}

// deciding has settings, helpers and a logger.
type deciding struct {
	shop.Decider
	limits Limits
	log    *slog.Logger
	rules  []rule
}

type rule interface {
	Check(shop.Create) error
}

type ruleFunc func(shop.Create) error

func (f ruleFunc) Check(in shop.Create) error { return f(in) }

func newDeciding(limits Limits) *deciding {
	return &deciding{limits: limits, log: slog.Default(), rules: []rule{ruleFunc(notEmpty)}}
}

func notEmpty(in shop.Create) error {
	if len(in.Items) == 0 {
		return errEmpty
	}
	return nil
}

func (d *deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	for _, r := range d.rules {
		if err := r.Check(in); err != nil {
			d.log.Debug("refused", "reason", err)
			return shop.RejectCreate(shop.Invalid{Reason: err.Error()})
		}
	}
	if s.Status != shop.StatusNew {
		return shop.AcceptCreate(shop.Listed{})
	}
	if len(in.Items) > d.limits.MaxItems || slices.Contains(weekend[:], now.In(d.limits.Zone).Weekday()) {
		return shop.RejectCreate(shop.Invalid{Reason: "closed"})
	}
	items := slices.Clone(in.Items)
	slices.SortFunc(items, func(a, b shop.Item) int { return strings.Compare(a.Sku, b.Sku) })
	for i := range items {
		items[i].Sku = strings.ToUpper(items[i].Sku)
		if !skuForm.MatchString(items[i].Sku) {
			return shop.RejectCreate(shop.Invalid{Reason: items[i].Sku})
		}
	}
	number, err := numberOf(in.OrderID, items)
	if err != nil {
		return shop.RejectCreate(shop.Invalid{Reason: err.Error()})
	}
	decision := shop.AcceptCreate(shop.Created{Items: items, Number: number, At: now})
	for _, item := range items {
		decision = decision.Effect(shop.Mail{Text: item.Sku})
	}
	if midnight := now.Truncate(24*time.Hour).AddDate(0, 0, 1); midnight.Sub(now) > time.Hour {
		decision = decision.StartTimer(shop.TimerReminder{}.At(midnight))
	}
	return decision
}

// numberOf depends on its arguments alone.
func numberOf(id string, items []shop.Item) (string, error) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(map[string]any{"id": id, "items": items}); err != nil {
		return "", fmt.Errorf("order %s: %w", id, err)
	}
	if err := letter.Execute(&b, id); err != nil {
		return "", err
	}
	sum := sha256.Sum256(b.Bytes())
	if _, err := url.Parse(id); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum[:8]) + strconv.Itoa(len(items)), nil
}

func (d *deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	defer func() { d.log.Debug("decided", "id", in.OrderID) }()
	total := 0.0
	for _, item := range s.Items {
		total += item.Price * float64(item.Quantity) * (1 + rates["de"])
	}
	due := int64(math.Round(total)) - discounts()["a"]
	switch {
	case s.PaidAt != nil && now.Sub(*s.PaidAt) < time.Minute:
		return shop.RejectPay(shop.Invalid{Reason: "twice"})
	case in.Amount < due && s.Status == shop.StatusOpen:
		return shop.AcceptPay(shop.PartlyPaid{Amount: in.Amount}).Effect(shop.Charge{Amount: due - in.Amount})
	case in.Amount < due:
		return underpaid(due - in.Amount)
	}
	paid := shop.AcceptPay(shop.Paid{Amount: in.Amount, At: now})
	if s.Status == shop.StatusPartly {
		paid = paid.Effect(shop.Mail{Text: "thank you"})
	}
	return paid
}

func underpaid(missing int64) shop.PayDecision {
	return shop.RejectPay(shop.Invalid{Reason: strconv.FormatInt(missing, 10)})
}

func (d *deciding) Remind(now time.Time, s shop.State, in shop.Remind) shop.RemindDecision {
	decision, ok := d.first(s)
	if !ok {
		return shop.AcceptRemind(shop.Reminded{})
	}
	return decision
}

// first returns a zero decision that is none.
func (d *deciding) first(s shop.State) (shop.RemindDecision, bool) {
	if s.Status != shop.StatusOpen {
		return shop.RemindDecision{}, false
	}
	return shop.AcceptRemind(shop.Reminded{}).StartTimer(shop.TimerReminder{}.In(time.Hour)), true
}

// folding changes the state that it is given.
type folding struct{ shop.Evolver }

func (folding) Created(s shop.State, e shop.Created) shop.State {
	s.Items = append(s.Items, e.Items...)
	if s.Stock == nil {
		s.Stock = make(map[string]int64)
	}
	for i := range e.Items {
		s.Stock[e.Items[i].Sku] += e.Items[i].Quantity
	}
	if len(s.Items) > 0 {
		first := s.Items[0]
		s.First = &first
	}
	slices.SortFunc(s.Items, func(a, b shop.Item) int { return strings.Compare(a.Sku, b.Sku) })
	return s
}

func (f folding) Cancelled(s shop.State, e shop.Cancelled) shop.State {
	return f.tagged(s, e.Reason)
}

func (folding) tagged(s shop.State, tag string) shop.State {
	if !slices.Contains(s.Tags, tag) {
		s.Tags = append(s.Tags, tag)
	}
	return s
}

// handling passes everything on.
type handling struct {
	gateway gateway
	client  *shop.Client
}

type gateway interface {
	Charge(ctx context.Context, key string, amount int64) error
}

var errDeclined = errors.New("declined")

func (h *handling) Charge(ctx context.Context, e shop.Charge, call runtime.EffectCall) (shop.ChargeResult, error) {
	err := h.gateway.Charge(ctx, call.IdempotencyKey, e.Amount)
	switch {
	case errors.Is(err, errDeclined):
		return nil, runtime.Permanent(err)
	case err != nil && call.Attempt > 3:
		return nil, runtime.RetryAfter(err, time.Until(call.RequestedAt.Add(time.Hour)))
	case err != nil:
		return nil, err
	}
	return shop.Charged{}, nil
}

func (h *handling) Mail(ctx context.Context, e shop.Mail, call runtime.EffectCall) error {
	out, err := h.client.Cancel(ctx, shop.Cancel{OrderID: call.Instance.ID, Reason: time.Now().String()})
	if err != nil {
		return err
	}
	if out.Rejected() {
		return fmt.Errorf("cannot be cancelled: %v", out.Rejection)
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

var _ shop.EffectHandler = &handling{}

// program is what stands around the workflow.
func program(ctx context.Context, engine *runtime.Engine) error {
	workflow := shop.NewWorkflow(newDeciding(Limits{MaxItems: 3, Zone: time.UTC}), folding{}, &handling{})
	slog.Info("starting", "workflow", workflow.Name(), "at", time.Now())
	go func() { _ = engine.Run(ctx) }()
	return nil
}
