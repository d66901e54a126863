package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// UnsupportedServerError says that the server, or the tables on it, lack properties that the store relies on. On such a server, the
// feed could miss events, or answered inputs could be lost, without an error.
type UnsupportedServerError struct {
	Server  string   // what the server says of itself
	Missing []string // the names of the properties, as Assume takes them

	details []string // one for each of Missing
}

func (e *UnsupportedServerError) Error() string {
	return fmt.Sprintf("the server (%s) lacks what ironflow relies on: %s", e.Server, strings.Join(e.details, "; "))
}

// Assume makes Migrate and New go on without properties of the server, by the names of UnsupportedServerError. Use it if a check is
// wrong about your server. If the check is right, events and answered inputs can be lost without an error. A name that no property
// has is an error.
func Assume(properties ...string) Option {
	return func(c *config) { c.assumed = append(c.assumed, properties...) }
}

// property is what the store relies on and PostgreSQL has. Other databases that speak its protocol, or store its tables in another
// way, may lack it.
type property struct {
	name    string
	why     string // what relies on it
	instead string // what to do

	begins bool // lacks is about a transaction that begins READ COMMITTED

	// lacks is an expression: the text of what was found instead of the property, NULL when the server has it. A server that fails to
	// evaluate the expression lacks the property.
	lacks string
}

// Names of properties.
const (
	ordinaryTables = "ordinary tables"
	oneSequence    = "one sequence"
)

const otherServer = "use a PostgreSQL server, your own or a managed one"

// serverProperties hold for all databases of the server. A standby can answer them, too.
var serverProperties = []property{
	{
		name: "PostgreSQL 14", why: "statements need it", instead: "upgrade the server to PostgreSQL 14 or later",
		lacks: `CASE WHEN current_setting('server_version_num')::int < 140000 THEN 'the version is ' || current_setting('server_version') END`,
	},
	{
		name: "ctid", why: "claims find rows by it", instead: otherServer,
		lacks: `CASE WHEN (SELECT ctid IS NULL OR xmin IS NULL FROM pg_catalog.pg_class LIMIT 1) THEN 'rows have none' END`,
	},
	{
		name: "transaction ids", why: "the feed is read up to the oldest transaction of the whole server", instead: otherServer,
		lacks: `CASE WHEN pg_snapshot_xmin(pg_current_snapshot()) > pg_snapshot_xmax(pg_current_snapshot())
			OR pg_current_xact_id_if_assigned() IS NOT NULL THEN 'a snapshot has no oldest transaction' END`,
	},
	{
		name: "READ COMMITTED", begins: true, why: "a statement after a wait must see what others committed", instead: otherServer,
		lacks: `CASE WHEN current_setting('transaction_isolation') <> 'read committed'
			THEN 'the server makes ' || current_setting('transaction_isolation') || ' of it' END`,
	},
}

// tableProperties hold for the tables of the schema $1, whose relations have the names $2.
var tableProperties = []property{
	{
		name: ordinaryTables, why: "an index or a lock covers all rows, and a commit survives a crash",
		instead: "keep the tables in one database as Migrate creates them: not distributed, partitioned, foreign or unlogged",
		lacks: `(SELECT string_agg(found, ', ' ORDER BY found) FROM (
			SELECT c.relname || ' is ' || CASE
				WHEN c.relkind = 'p' THEN 'partitioned'
				WHEN c.relkind NOT IN ('r', 'S') THEN 'no table, but a relation of kind ' || c.relkind::text
				WHEN c.relpersistence <> 'p' THEN 'unlogged'
				ELSE 'stored by the access method ' || a.amname END AS found
			FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
			WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[])
			  AND (c.relkind NOT IN ('r', 'S') OR c.relpersistence <> 'p' OR c.relkind = 'r' AND a.amname <> 'heap')) t)`,
	},
	{
		name: oneSequence, why: "no event may get a lower number than one that was read",
		instead: "run ALTER SEQUENCE events_global_sequence NO CYCLE INCREMENT 1 CACHE 1",
		lacks: `(SELECT 'sessions take numbers ahead: ' || concat_ws(', ', 'cache ' || s.seqcache, 'increment ' || s.seqincrement,
				'ysql_sequence_cache_minval ' || y.minimum)
			FROM pg_catalog.pg_sequence s
			JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			CROSS JOIN (SELECT nullif(current_setting('ysql_sequence_cache_minval', true), '')::bigint AS minimum) y
			WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[]) AND c.relname = 'events_global_sequence'
			  AND (s.seqcache <> 1 OR s.seqincrement < 1 OR s.seqcycle OR y.minimum > 1))`,
	},
}

// distributions are catalogs of databases that spread tables over servers, with their column of the table. Where one of them has a
// table of the schema, the table is not ordinary.
var distributions = []struct{ server, catalog, column string }{
	{"Citus", "pg_dist_partition", "logicalrelid"},
	{"Greenplum", "gp_distribution_policy", "localoid"},
	{"Postgres-XL", "pgxc_class", "pcrelid"},
}

// relations returns the names of all tables and sequences of the schema.
func relations() []string {
	return slices.AppendSeq(slices.Clone(sequences), maps.Keys(tablePrivileges))
}

// checkAssumed fails for a name that no property has.
func checkAssumed(assumed []string) error {
	var names []string
	for _, p := range slices.Concat(serverProperties, tableProperties) {
		names = append(names, p.name)
	}
	for _, name := range assumed {
		if !slices.Contains(names, name) {
			return fmt.Errorf("postgres: Assume: unknown property %q; there are %q", name, names)
		}
	}
	return nil
}

// checkServer fails with *UnsupportedServerError unless the server has what the store relies on. It asks for all properties in one statement.
// Only if the server refuses that, it asks for each.
func checkServer(ctx context.Context, conn *lent, config config) error {
	wanted := config.wanted(serverProperties)
	found := make([]*string, len(wanted))
	err := lacking(ctx, conn, wanted, found, true)
	for i := 0; refused(err) && i < len(wanted); i++ {
		one := lacking(ctx, conn, wanted[i:i+1], found[i:i+1], wanted[i].begins)
		if refused(one) {
			text := one.Error()
			found[i] = &text
		} else if one != nil {
			err = one
		}
	}
	if err != nil && !refused(err) {
		return conn.note(err)
	}
	unsupported := newUnsupported(wanted, found)
	if unsupported == nil {
		return nil
	}
	if err := conn.QueryRow(ctx, "SELECT version()").Scan(&unsupported.Server); err != nil && !refused(err) {
		return conn.note(err)
	}
	return unsupported
}

// lacking fills in what is found in place of each property.
func lacking(ctx context.Context, conn *lent, properties []property, found []*string, begins bool) error {
	in := querier(conn)
	if begins {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		in = tx
	}
	return queryProperties(ctx, in, properties, found)
}

func queryProperties(ctx context.Context, in querier, properties []property, found []*string, args ...any) error {
	if len(properties) == 0 {
		return nil
	}
	columns, into := make([]string, len(properties)), make([]any, len(properties))
	for i, p := range properties {
		columns[i], into[i] = "("+p.lacks+")::text", &found[i]
	}
	return in.QueryRow(ctx, "SELECT "+strings.Join(columns, ", "), args...).Scan(into...)
}

// refused reports whether the server did not take a statement, rather than being unable to serve now.
func refused(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && whyUnavailable(server) == ""
}

// checkTables fails with *UnsupportedServerError unless the tables of the schema are stored as the store relies on.
func checkTables(ctx context.Context, in querier, config config) error {
	wanted := config.wanted(tableProperties)
	found := make([]*string, len(wanted))
	if err := queryProperties(ctx, in, wanted, found, config.schema, relations()); err != nil {
		return err
	}
	for i, p := range wanted {
		if p.name != ordinaryTables || found[i] != nil {
			continue
		}
		var err error
		if found[i], err = distributed(ctx, in, config.schema); err != nil {
			return err
		}
	}
	if unsupported := newUnsupported(wanted, found); unsupported != nil {
		return cmp.Or(in.QueryRow(ctx, "SELECT version()").Scan(&unsupported.Server), error(unsupported))
	}
	return nil
}

// distributed returns which tables of a schema are distributed, nil for none.
func distributed(ctx context.Context, in querier, schema string) (found *string, err error) {
	for _, d := range distributions {
		var exists bool
		if err := in.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", "pg_catalog."+d.catalog).Scan(&exists); err != nil {
			return nil, err
		}
		if !exists || found != nil {
			continue
		}
		err := in.QueryRow(ctx, fmt.Sprintf(`
			SELECT '%s distributes ' || string_agg(c.relname, ', ' ORDER BY c.relname)
			FROM pg_catalog.%s d
			JOIN pg_catalog.pg_class c ON c.oid = d.%s
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[])`, d.server, d.catalog, d.column), schema, relations()).Scan(&found)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// checkNumbers fails with *UnsupportedServerError unless the sequence of a new schema has issued what a session has got, and nothing ahead
// of it. in is the transaction that creates the schema.
func checkNumbers(ctx context.Context, in querier, config config) error {
	sequence := quote(config.schema) + ".events_global_sequence"
	var number, issued int64
	if err := in.QueryRow(ctx, "SELECT nextval($1::text::regclass)", sequence).Scan(&number); err != nil {
		return err
	}
	if err := in.QueryRow(ctx, "SELECT last_value FROM "+sequence).Scan(&issued); err != nil {
		return err
	}
	if err := in.QueryRow(ctx, "SELECT setval($1::text::regclass, 1, false)", sequence).Scan(nil); err != nil {
		return err
	}
	for _, p := range config.wanted(tableProperties) {
		if what := fmt.Sprintf("a session got %d, and the sequence has issued %d", number, issued); p.name == oneSequence && number != issued {
			unsupported := newUnsupported([]property{p}, []*string{&what})
			return cmp.Or(in.QueryRow(ctx, "SELECT version()").Scan(&unsupported.Server), error(unsupported))
		}
	}
	return nil
}

// newUnsupported is nil when nothing was found in place of a property.
func newUnsupported(properties []property, found []*string) *UnsupportedServerError {
	e := &UnsupportedServerError{Server: "unknown"}
	for i, p := range properties {
		if found[i] != nil {
			e.Missing = append(e.Missing, p.name)
			e.details = append(e.details, fmt.Sprintf("%q (%s): %s; %s", p.name, *found[i], p.why, p.instead))
		}
	}
	if len(e.Missing) == 0 {
		return nil
	}
	return e
}

// wanted returns the properties that are not assumed.
func (c *config) wanted(properties []property) []property {
	return slices.DeleteFunc(slices.Clone(properties), func(p property) bool { return slices.Contains(c.assumed, p.name) })
}
