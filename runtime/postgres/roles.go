package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Roles are the names of three roles with the least privileges that they need. An empty name means the name of the schema,
// followed by _owner, _worker or _reader.
type Roles struct {
	Owner  string // owns schema, tables and functions: it migrates, and nothing else
	Worker string // runs engines: it reads and writes rows, and changes no table
	Reader string // reads rows, for dashboards and people
}

// tablePrivileges are what a worker may do with the rows of each table, beside reading them. What is written once is never
// updated: not events, nor records of what happened.
var tablePrivileges = map[string]string{
	"schema_migrations": "",
	"instances":         "INSERT, UPDATE, DELETE",
	"events":            "INSERT, DELETE",
	"snapshots":         "INSERT, UPDATE, DELETE",
	"effects":           "INSERT, UPDATE, DELETE",
	"timers":            "INSERT, UPDATE, DELETE",
	"unique_keys":       "INSERT, DELETE",
	"search":            "INSERT, UPDATE, DELETE",
	"input_outcomes":    "INSERT, DELETE",
	"observations":      "INSERT, DELETE",
	"discarded_letters": "INSERT, DELETE",
	"ended_deliveries":  "INSERT, DELETE",
	"audit_log":         "INSERT, UPDATE, DELETE",
	"subject_keys":      "INSERT, UPDATE",
	"paused_workflows":  "INSERT, UPDATE, DELETE",
	"programs":          "INSERT, UPDATE, DELETE",
	"manifests":         "INSERT, DELETE",
	"chores":            "INSERT, UPDATE",
	"projections":       "INSERT, UPDATE",
	"limits":            "INSERT, UPDATE",
	"cell":              "INSERT, UPDATE",
}

// functions are those of the schema, and whether a reader may call them.
var functions = map[string]bool{
	"refuse": false, "append_change": false, "lock_instances": false, "claim_limited": false, "unpark": false, "feed_ticket": true,
}

// sequences are those of the schema that workers take numbers from and readers look at. Others belong to identity columns,
// which need no privilege.
var sequences = []string{"events_global_sequence"}

// RolesScript returns SQL that creates three roles, which cannot log in, and gives each only the privileges that it needs. GRANT
// the roles to the users that programs and people log in as. Run the SQL as a superuser, or as a user with CREATEROLE who owns
// the tables, after Migrate or another migration tool, and again after each later migration. It is safe to run it repeatedly.
//
// Owner becomes the owner of everything in the schema. Migrate as this role after that, with SET ROLE or as a user whose role
// setting names it. If projections write to tables of your own, grant privileges on these yourself. To name the transactions that
// hold up the feed, a worker also needs pg_read_all_stats.
//
// Of the options, only WithSchema has an effect.
func RolesScript(roles Roles, options ...Option) (string, error) {
	config, err := newConfig(options)
	if err != nil {
		return "", err
	}
	var names [3]string
	for i, name := range []string{roles.Owner, roles.Worker, roles.Reader} {
		if name == "" {
			name = config.schema + []string{"_owner", "_worker", "_reader"}[i]
		}
		if strings.HasPrefix(name, "pg_") || strings.EqualFold(name, "public") || strings.EqualFold(name, "none") {
			return "", fmt.Errorf("postgres: %q is no name for a role: PostgreSQL keeps it for itself", name)
		}
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) || len(name) > 63 {
			return "", fmt.Errorf("postgres: %q is no name for a role: it is text without NUL, of at most 63 bytes", name)
		}
		if slices.Contains(names[:i], name) {
			return "", fmt.Errorf("postgres: two of the roles are called %q", name)
		}
		names[i] = name
	}
	s := rolesScript{
		schema: quote(config.schema), owner: identifier(names[0]), worker: identifier(names[1]), reader: identifier(names[2]),
	}
	s.create(names)
	s.own()
	s.grant()
	return s.sql.String(), nil
}

func identifier(name string) string { return pgx.Identifier{name}.Sanitize() }

// rolesScript is a script in the making. Its names are quoted.
type rolesScript struct {
	sql                           strings.Builder
	schema, owner, worker, reader string
}

func (s *rolesScript) line(format string, args ...any) { fmt.Fprintf(&s.sql, format+"\n", args...) }

func (s *rolesScript) create(names [3]string) {
	s.line("-- The roles. They cannot log in: grant them to users who can.")
	tag := "$roles$"
	for n := 1; strings.Contains(strings.Join(names[:], " "), tag); n++ {
		tag = fmt.Sprintf("$roles%d$", n)
	}
	s.line("DO %s BEGIN", tag)
	for _, name := range names {
		s.line("    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %s) THEN CREATE ROLE %s NOLOGIN; END IF;",
			literal(name), identifier(name))
	}
	s.line("END %s;", tag)
	s.line("\n-- Who is no superuser can only give tables to roles that he is in himself.")
	s.line("GRANT %s TO CURRENT_USER;", s.owner)
}

// literal returns a text as SQL has it, whatever standard_conforming_strings says.
func literal(text string) string {
	escape := ""
	if strings.Contains(text, `\`) {
		escape = " E"
	}
	return escape + "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(text) + "'"
}

func (s *rolesScript) own() {
	s.line("\n-- The owner migrates.")
	s.line("ALTER SCHEMA %s OWNER TO %s;", s.schema, s.owner)
	for _, table := range slices.Sorted(maps.Keys(tablePrivileges)) {
		s.line("ALTER TABLE %s.%s OWNER TO %s;", s.schema, table, s.owner)
	}
	for _, function := range slices.Sorted(maps.Keys(functions)) {
		s.line("ALTER FUNCTION %s.%s OWNER TO %s;", s.schema, function, s.owner)
	}
}

func (s *rolesScript) grant() {
	s.line("\n-- Nobody else may do anything, and these no more than what follows.")
	for _, of := range []string{"TABLES", "SEQUENCES", "FUNCTIONS"} {
		s.line("REVOKE ALL ON ALL %s IN SCHEMA %s FROM PUBLIC, %s, %s;", of, s.schema, s.worker, s.reader)
	}
	s.line("REVOKE ALL ON SCHEMA %s FROM PUBLIC, %s, %s;", s.schema, s.worker, s.reader)
	s.line("GRANT USAGE ON SCHEMA %s TO %s, %s;", s.schema, s.worker, s.reader)
	s.line("GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s, %s;", s.schema, s.worker, s.reader)
	for _, table := range slices.Sorted(maps.Keys(tablePrivileges)) {
		if privileges := tablePrivileges[table]; privileges != "" {
			s.line("GRANT %s ON %s.%s TO %s;", privileges, s.schema, table, s.worker)
		}
	}
	for _, sequence := range sequences {
		s.line("GRANT SELECT, USAGE ON SEQUENCE %s.%s TO %s;", s.schema, sequence, s.worker)
		s.line("GRANT SELECT ON SEQUENCE %s.%s TO %s;", s.schema, sequence, s.reader)
	}
	for _, function := range slices.Sorted(maps.Keys(functions)) {
		to := s.worker
		if functions[function] {
			to += ", " + s.reader
		}
		s.line("GRANT EXECUTE ON FUNCTION %s.%s TO %s;", s.schema, function, to)
	}
}
