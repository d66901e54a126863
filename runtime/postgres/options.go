package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// DefaultSchema is the schema of the store's tables unless WithSchema names another.
const DefaultSchema = "ironflow"

// Option is an option of New, Migrate, Migrations and RolesScript.
type Option func(*config)

type config struct {
	schema     string
	listenURL  string // empty: listen as the pool connects
	readOnly   bool
	reader     *pgxpool.Pool // nil for none
	assumed    []string      // properties
	migrations []migration
}

// version is the number of the newest migration, which is the version of the schema that this library needs.
func (c *config) version() int { return len(c.migrations) }

// WithSchema sets the schema of the tables. The name has lower case letters, digits and underscores and at most 63 bytes. It does
// not begin with a digit or pg_, and is not information_schema. Default: DefaultSchema.
func WithSchema(name string) Option {
	return func(c *config) { c.schema = name }
}

// WithListenURL makes Store.Listen connect to the given connection string instead of the pool's. Use it if the pool connects
// through PgBouncer in transaction mode, which does not pass on notifications: give the address of the server itself.
func WithListenURL(connString string) Option {
	return func(c *config) { c.listenURL = connString }
}

// ReadOnly opens the store for reading; the server may be a standby. An engine on it answers State, History, Instances and other
// reads, from the data that the standby has received. Inputs and Run fail with runtime.ErrReadOnly. The feed is not available on
// a standby.
func ReadOnly() Option {
	return func(c *config) { c.readOnly = true }
}

// WithReader makes New read the feed, and what may be a little old, from standbys of the store's server: events for subscriptions and
// projections, and lists, searches, counts, histories and observations of Engine, Admin and the console. Decisions, states and deliveries
// are read from the store's own server. Nothing is read that is not settled, and Health shows how far the standbys are behind.
//
// New fails if a server of the pool is of another cluster or database, or takes writes and is not the store's own server. While none can be
// reached, or none has followed a failover, these reads wait as they do while the store is unavailable, and Health says why. It
// cannot be combined with ReadOnly. The store never closes the pool.
func WithReader(pool *pgxpool.Pool) Option {
	return func(c *config) { c.reader = pool }
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func newConfig(options []Option) (config, error) {
	c := config{schema: DefaultSchema, migrations: migrations}
	for _, option := range options {
		option(&c)
	}
	if strings.HasPrefix(c.schema, "pg_") || c.schema == "information_schema" {
		return config{}, fmt.Errorf("postgres: %q cannot be the name of a schema: PostgreSQL reserves it; choose another name", c.schema)
	}
	if !schemaName.MatchString(c.schema) {
		return config{}, fmt.Errorf("postgres: %q cannot be the name of a schema: use lower case letters, digits and underscores, "+
			"at most 63, not beginning with a digit or pg_", c.schema)
	}
	if c.reader != nil && c.readOnly {
		return config{}, errors.New("postgres: WithReader and ReadOnly exclude each other: a store for reading reads from its own pool")
	}
	if err := checkAssumed(c.assumed); err != nil {
		return config{}, err
	}
	return c, nil
}

// quote returns a schema's name as an identifier. The name was checked, so there is nothing in it to escape; quotes make
// reserved words usable.
func quote(schema string) string { return `"` + schema + `"` }
