// Package outside looks outside.
package outside

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

type deciding struct {
	shop.Decider
	db     *sql.DB
	pool   *pgxpool.Pool
	engine *runtime.Engine
	client *shop.Client
	ctx    context.Context
}

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	_ = os.Getenv("REGION")                            // want `^outside: the decider deciding.Create calls os.Getenv; bring it in the input, or in a field of the decider that is set at the start$`
	_ = os.Args                                        // want `uses os.Args`
	_ = goruntime.NumCPU()                             // want `calls runtime.NumCPU`
	_, _ = os.ReadFile("prices.csv")                   // want `^outside: the decider deciding.Create calls os.ReadFile; request an effect, whose result is an input$`
	_, _ = http.Get("https://example.com")             // want `calls http.Get`
	_, _ = new(http.Client).Do(nil)                    // want `calls http.Client.Do`
	_, _ = net.LookupHost("example.com")               // want `calls net.LookupHost`
	_ = exec.Command("date").Run()                     // want `calls exec.Cmd.Run`
	_, _ = filepath.Glob("*")                          // want `calls filepath.Glob`
	_ = d.db.QueryRow("SELECT 1").Scan()               // want `calls sql.Row.Scan`
	_, _ = d.pool.Exec(d.ctx, "SELECT 1")              // want `calls pgxpool.Pool.Exec`
	_ = context.Background()                           // want `^outside: the decider deciding.Create calls context.Background; what needs a context is for an effect$`
	_, _ = d.client.Pay(d.ctx, shop.Pay{})             // want `^outside: the decider deciding.Create calls shop.Client.Pay, which calls runtime.Execute \(client_ironflow.go:\d+\); request an effect that does it$` `outcome`
	_, _ = d.client.State(d.ctx, in.OrderID)           // want `calls shop.Client.State, which calls runtime.LoadState`
	_, _ = d.engine.ExecuteDynamic(d.ctx, "shop", nil) // want `calls runtime.Engine.ExecuteDynamic` `outcome`
	_ = now.Local()                                    // want `calls time.Time.Local; the zone of the machine`
	_ = now.In(time.Local)                             // want `uses time.Local; the zone of the machine`
	if len(in.Items) == 0 {
		log.Fatal("empty") // want `^outside: the decider deciding.Create calls log.Fatal; return a rejection$`
	}
	return d.Decider.Create(now, s, in)
}

func (d deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	// None of this is worth a word.
	log.Print("paid")
	fmt.Println("paid")
	fmt.Fprintln(os.Stderr, "paid", net.ParseIP("::1"), filepath.Join("a", "b"), os.ErrNotExist, http.StatusText(200))
	berlin, _ := time.LoadLocation("Europe/Berlin")
	_ = now.In(berlin).Weekday()
	return d.Decider.Pay(now, s, in)
}

type folding struct{ shop.Evolver }

func (folding) Paid(s shop.State, e shop.Paid) shop.State {
	if host, err := os.Hostname(); err == nil { // want `^outside: the evolver folding.Paid calls os.Hostname; put it into the event$`
		s.Tags = append(s.Tags, host)
	}
	return s
}

// handling is where it belongs.
type handling struct{ shop.Handler }

func (h handling) Mail(ctx context.Context, e shop.Mail, call runtime.EffectCall) error {
	_, err := os.ReadFile("template.txt")
	return err
}
