// Package server is the PostgreSQL server that a benchmark starts and measures.
package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

// settings are those of a small server whose owner has read the first page of the manual's advice. Ours and all references run
// on the same one.
var settings = map[string]string{
	"shared_buffers":       "1GB",
	"max_wal_size":         "4GB",
	"checkpoint_timeout":   "15min",
	"maintenance_work_mem": "256MB",
}

// Server is a server with fsync on. Admin is for what is not measured.
type Server struct {
	Admin *pgxpool.Pool

	server *pgserver.Server
}

// Start starts a server. The caller stops it.
func Start(ctx context.Context) (*Server, error) {
	running, err := pgserver.Start(ctx, pgserver.Options{Durable: true, Settings: settings})
	if err != nil {
		return nil, err
	}
	s := &Server{server: running}
	if s.Admin, err = s.Pool(ctx, 2); err != nil {
		return nil, errors.Join(err, running.Stop())
	}
	return s, nil
}

// Stop ends the server and removes what it stored.
func (s *Server) Stop() error {
	s.Admin.Close()
	return s.server.Stop()
}

// URL is the connection string.
func (s *Server) URL() string { return s.server.URL() }

// Pool opens a pool of so many connections. The caller closes it.
func (s *Server) Pool(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(s.URL())
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = connections, connections
	return pgxpool.NewWithConfig(ctx, config)
}

// Describe says what everything runs on.
func (s *Server) Describe(ctx context.Context) (string, error) {
	var version, fsync, synchronous, buffers string
	err := s.Admin.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('shared_buffers')`).Scan(&version, &fsync, &synchronous, &buffers)
	text := fmt.Sprintf("%s; PostgreSQL %s, fsync %s, synchronous_commit %s, shared_buffers %s",
		report.Platform(), version, fsync, synchronous, buffers)
	if load := report.LoadAverage(); load != "" {
		text += "; load average before " + load
	}
	return text, err
}

// Rest lets the server do now what it would do in the middle of the measurement.
func (s *Server) Rest(ctx context.Context, schema string) error {
	rows, _ := s.Admin.Query(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1`, schema)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, sql := range []string{"VACUUM (ANALYZE) " + strings.Join(tables, ", "), "CHECKPOINT"} {
		if _, err := s.Admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// ProcessorTime is the time that processors have worked for the server's processes that run now. It is only known on Linux.
func (s *Server) ProcessorTime(ctx context.Context) time.Duration {
	rows, _ := s.Admin.Query(ctx, "SELECT pid FROM pg_stat_activity")
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0
	}
	var total time.Duration
	for _, pid := range pids {
		total += ProcessorTimeOf(pid)
	}
	return total
}

// ProcessorTimeOf is the time that processors have worked for a process. It is only known on Linux.
func ProcessorTimeOf(pid int) (total time.Duration) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The process's name, which stands in parentheses, may have spaces. After it the times are the 12th and 13th field.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	for _, field := range fields[11:13] {
		const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Linux runs Go
		ticks, _ := strconv.Atoi(field)
		total += time.Duration(ticks) * tick
	}
	return total
}
