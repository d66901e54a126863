package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/ironflow-gen/ironflow/runtime"
)

// show is what the example does, step by step.
type show struct {
	out   io.Writer
	store runtime.Store
	db    *sql.DB
}

// follow lets parcels travel, and looks at the dashboard.
func (s *show) follow(ctx context.Context) error {
	fmt.Fprintln(s.out, "== parcels travel, and the dashboard follows")
	for _, depot := range []string{"Bremen", "Kassel", "Ulm"} {
		if err := s.addDepot(ctx, depot); err != nil {
			return err
		}
	}
	p, err := start(ctx, s.store)
	if err != nil {
		return err
	}
	err = func() error {
		for i := range 12 {
			if err := travel(ctx, p, i); err != nil {
				return err
			}
		}
		return s.showBoard(ctx, p)
	}()
	return errors.Join(err, p.stop())
}

// travel lets every parcel come to Bremen, every second one go on to Kassel, and every fourth to Ulm and its door.
func travel(ctx context.Context, p *process, i int) error {
	id := fmt.Sprintf("parcel-%d", i)
	depots := []string{"Bremen"}
	if i%2 == 0 {
		depots = append(depots, "Kassel")
	}
	if i%4 == 0 {
		depots = append(depots, "Ulm")
	}
	for _, depot := range depots {
		if err := p.scan(ctx, id, depot); err != nil {
			return err
		}
	}
	if i%4 == 0 {
		return p.deliver(ctx, id)
	}
	return nil
}

// showBoard waits until the projection has caught up with all that was stored until now. When it stops, at a depot that is
// not in the table, the depot is added.
func (s *show) showBoard(ctx context.Context, p *process) error {
	for {
		err := p.engine.AwaitProjection(ctx, boardName)
		var halted *runtime.ProjectionHalted
		if err == nil {
			return printBoard(ctx, s.out, s.db)
		}
		if !errors.As(err, &halted) {
			return err
		}
		if err := s.mend(ctx, p); err != nil {
			return err
		}
	}
}

func (s *show) mend(ctx context.Context, p *process) error {
	info, err := p.engine.Projection(ctx, boardName)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %s, %d events behind: %s\n  add the depot, and resume\n", info.Status, info.Behind, info.LastError)
	if err := s.addDepot(ctx, newDepot); err != nil {
		return err
	}
	return p.engine.ResumeProjection(ctx, boardName)
}

const newDepot = "Gera"

// handOver runs two processes and stops the one that has the projection.
func (s *show) handOver(ctx context.Context) error {
	fmt.Fprintln(s.out, "\n== the process that runs the projection stops, and the one that stood by goes on")
	first, err := start(ctx, s.store)
	if err != nil {
		return err
	}
	defer first.stop()
	info, err := first.awaitInfo(ctx, func(i runtime.ProjectionInfo) bool { return i.Owner != "" })
	if err != nil {
		return err
	}
	second, err := start(ctx, s.store)
	if err != nil {
		return err
	}
	defer second.stop()
	if err := first.stop(); err != nil {
		return err
	}
	owner := info.Owner
	if _, err := second.awaitInfo(ctx, func(i runtime.ProjectionInfo) bool { return i.Owner != "" && i.Owner != owner }); err != nil {
		return err
	}
	for _, id := range []string{"parcel-2", "parcel-6"} {
		if err := second.deliver(ctx, id); err != nil {
			return err
		}
	}
	if err := s.showBoard(ctx, second); err != nil {
		return err
	}
	return second.stop()
}

// stopAtUnknownDepot has an event that the projection cannot apply.
func (s *show) stopAtUnknownDepot(ctx context.Context) error {
	fmt.Fprintln(s.out, "\n== a parcel comes to a depot that the dashboard does not know")
	p, err := start(ctx, s.store)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.scan(ctx, "parcel-1", newDepot); err != nil {
		return err
	}
	if err := p.scan(ctx, "parcel-3", "Kassel"); err != nil {
		return err
	}
	if err := s.showBoard(ctx, p); err != nil {
		return err
	}
	return p.stop()
}

// rebuild begins at the beginning, after somebody has spoilt the table.
func (s *show) rebuild(ctx context.Context) error {
	fmt.Fprintln(s.out, "\n== somebody spoils the dashboard, and it is rebuilt from the events")
	p, err := start(ctx, s.store)
	if err != nil {
		return err
	}
	defer p.stop()
	if _, err := s.db.ExecContext(ctx, `UPDATE depots SET here = 99`); err != nil {
		return err
	}
	if err := printBoard(ctx, s.out, s.db); err != nil {
		return err
	}
	if err := p.engine.RebuildProjection(ctx, boardName); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  rebuilt:")
	if err := s.showBoard(ctx, p); err != nil {
		return err
	}
	return p.stop()
}

func (s *show) addDepot(ctx context.Context, name string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO depots (name) VALUES ('`+name+`') ON CONFLICT (name) DO NOTHING`)
	return err
}
