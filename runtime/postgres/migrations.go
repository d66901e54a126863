package postgres

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema, written for the default schema.
type migration struct {
	version  int // that it leads to
	name     string
	up, down string
}

// migrations are all steps, in order. They are never edited once released, only added to. Within a major version of the library they
// only add: tables, columns with a default or NULL, indexes, functions under new names. So the processes of the release before
// go on while one of the next migrates, and a release can be taken back without its migration.
var migrations = mustReadMigrations()

// schemaVersion is the number of the newest migration, which is the version this library needs.
var schemaVersion = migrations[len(migrations)-1].version

// breaking are the versions whose migration is too much for a library that was made for an older version.
var breaking = []int{firstWithOldest}

// firstWithOldest is the version from which on each one says which libraries it goes with.
const firstWithOldest = 9

// oldest returns the oldest version of the schema whose library works on the one that the migration leads to, too. 0 when that is
// not recorded yet.
func (m *migration) oldest() (oldest int) {
	for _, version := range breaking {
		if version <= m.version {
			oldest = version
		}
	}
	return oldest
}

// record returns the statement that notes that the migration was made.
func (m *migration) record() string {
	if m.version < firstWithOldest {
		return fmt.Sprintf("INSERT INTO ironflow.schema_migrations (version) VALUES (%d)", m.version)
	}
	return fmt.Sprintf("INSERT INTO ironflow.schema_migrations (version, oldest) VALUES (%d, %d)", m.version, m.oldest())
}

// forget takes record back.
func (m *migration) forget() string {
	return fmt.Sprintf("DELETE FROM ironflow.schema_migrations WHERE version = %d", m.version)
}

// mustReadMigrations panics when the embedded files are not what they must be, which every test would find.
func mustReadMigrations() []migration {
	files, err := fs.Glob(migrationFiles, "migrations/*.up.sql") // in order: the numbers have one width
	if err != nil {
		panic(err)
	}
	var all []migration
	for _, file := range files {
		up, err := migrationFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		base := strings.TrimSuffix(file, ".up.sql")
		down, err := migrationFiles.ReadFile(base + ".down.sql")
		if err != nil {
			panic(err)
		}
		number, name, _ := strings.Cut(strings.TrimPrefix(base, "migrations/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || len(all) > 0 && version <= all[len(all)-1].version {
			panic(fmt.Sprintf("postgres: migration %s has no number of its own: %v", file, err))
		}
		all = append(all, migration{version, name, string(up), string(down)})
	}
	return all
}

func findMigration(version int) *migration {
	i := slices.IndexFunc(migrations, func(m migration) bool { return m.version == version })
	if i < 0 {
		return nil
	}
	return &migrations[i]
}

// versionAfter and versionBefore return the neighbour of a version; after the newest comes itself, before the first 0.

func versionAfter(version int) int {
	for _, m := range migrations {
		if m.version > version {
			return m.version
		}
	}
	return version
}

func versionBefore(version int) (before int) {
	for _, m := range migrations {
		if m.version < version {
			before = m.version
		}
	}
	return before
}
