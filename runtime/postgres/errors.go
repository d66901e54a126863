package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Codes of https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03" // lock_timeout
	uniqueViolation      = "23505"
	connectionException  = "08" // a class
	readOnlyTransaction  = "25006"
	featureNotSupported  = "0A000"
	notInPrerequisite    = "55000"
	internalError        = "XX000"
	shutdown             = "57P" // 57P01 to 57P05: the server ends the session, or does not begin one
	outOfResources       = "53"  // a class: disk, memory, connections
	systemError          = "58"  // a class: the disk, mostly
	noSavepoint          = "3B001"
)

// wrap says what was being done when err happened. When others were in the way, the result is store.ErrConflict too.
func wrap(err error, format string, args ...any) error {
	doing := fmt.Sprintf(format, args...)
	switch {
	case hasCode(err, lockNotAvailable):
		return fmt.Errorf("postgres: %s: %w (%w)", doing, store.ErrLocked, err)
	case hasCode(err, deadlockDetected):
		return fmt.Errorf("postgres: %s: %w (%w)", doing, store.ErrDeadlock, err)
	case lostRace(err):
		return fmt.Errorf("postgres: %s: %w (%w)", doing, store.ErrConflict, err)
	}
	return fmt.Errorf("postgres: %s: %w", doing, unavailable(err))
}

// unavailable turns an error by which the server says that it cannot serve now into *runtime.Unavailable. Nothing may have been
// stored: a commit whose answer is in doubt must not come here.
func unavailable(err error) error {
	var known *store.Unavailable
	var server *pgconn.PgError
	if !errors.As(err, &server) || errors.As(err, &known) {
		return err
	}
	if reason := whyUnavailable(server); reason != "" {
		return &store.Unavailable{Reason: reason, Err: err}
	}
	return err
}

// whyUnavailable is empty unless the error says that this connection, or its server, cannot serve now.
func whyUnavailable(err *pgconn.PgError) string {
	switch {
	case refuses(err):
		return noWrites
	case strings.HasPrefix(err.Code, shutdown):
		return "the server ended the session"
	case strings.HasPrefix(err.Code, connectionException):
		return "the connection to the database broke"
	case strings.HasPrefix(err.Code, outOfResources), strings.HasPrefix(err.Code, systemError):
		return "the server is out of resources"
	}
	return ""
}

const noWrites = "the server takes no writes: it is a standby, or default_transaction_read_only is on"

// errReadOnly is what the server would say to the first statement that writes.
var errReadOnly = &pgconn.PgError{
	Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: readOnlyTransaction, Message: "the transaction is read-only",
}

// refuses reports whether a server that is a standby, or is set to read only, refused a statement. The session goes on, and the
// transaction is rolled back.
func refuses(err *pgconn.PgError) bool {
	switch err.Code {
	case readOnlyTransaction:
		return true
	case featureNotSupported, notInPrerequisite, internalError: // not of its own are the codes of some statements on a standby
		return strings.Contains(err.Message, "recovery")
	}
	return false
}

func askedToRetry(err error) bool { return hasCode(err, serializationFailure, deadlockDetected) }

func lostRace(err error) bool {
	return askedToRetry(err) || hasCode(err, lockNotAvailable) || versionIsTaken(err)
}

// versionIsTaken reports whether somebody else has stored an event of a version first.
func versionIsTaken(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == uniqueViolation && server.TableName == "events"
}

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
