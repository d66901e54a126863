package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Codes of https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	undefinedTable       = "42P01"
	invalidSchemaName    = "3F000"
)

// wrap says what was being done when err happened. When the server asks to run the transaction again, the result is
// runtime.ErrConflict too.
func wrap(err error, format string, args ...any) error {
	doing := fmt.Sprintf(format, args...)
	if askedToRetry(err) {
		return fmt.Errorf("postgres: %s: %w (%w)", doing, runtime.ErrConflict, err)
	}
	return fmt.Errorf("postgres: %s: %w", doing, err)
}

func askedToRetry(err error) bool { return hasCode(err, serializationFailure, deadlockDetected) }

func hasCode(err error, codes ...string) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	for _, code := range codes {
		if server.Code == code {
			return true
		}
	}
	return false
}

// wasRolledBack reports whether an error in answer to COMMIT leaves no doubt: the server says so in a session that goes
// on. A FATAL or PANIC ends the session, and may come after the transaction was committed. pgconn.SafeToRetry is no help:
// in pgx 5.12 it is also true for a connection that broke while the answer to Exec was awaited.
func wasRolledBack(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.SeverityUnlocalized == "ERROR"
}
