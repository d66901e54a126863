package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Codes of https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03" // lock_timeout
	connectionException  = "08"    // a class
	undefinedTable       = "42P01"
	noSavepoint          = "3B001"
	invalidSchemaName    = "3F000"
)

// wrap says what was being done when err happened. When others were in the way, the result is runtime.ErrConflict too.
func wrap(err error, format string, args ...any) error {
	doing := fmt.Sprintf(format, args...)
	if lostRace(err) {
		return fmt.Errorf("postgres: %s: %w (%w)", doing, runtime.ErrConflict, err)
	}
	return fmt.Errorf("postgres: %s: %w", doing, err)
}

func askedToRetry(err error) bool { return hasCode(err, serializationFailure, deadlockDetected) }

func lostRace(err error) bool { return askedToRetry(err) || hasCode(err, lockNotAvailable) }

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

// wasRolledBack reports whether an error in answer to a batch with COMMIT leaves no doubt: the server says so in a session
// that goes on. A FATAL or PANIC ends the session, and may come after the transaction was committed; a pooler that lost the
// server says so with a code of class 08. pgconn.SafeToRetry is no help: in pgx 5.12 it is also true for a connection
// that broke while the answer was awaited.
func wasRolledBack(err *pgconn.PgError) bool {
	return err.SeverityUnlocalized == "ERROR" && !strings.HasPrefix(err.Code, connectionException)
}
