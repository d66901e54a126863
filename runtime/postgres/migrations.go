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

// migrations are all steps, in order. They are never edited once released, only added to.
var migrations = mustReadMigrations()

// schemaVersion is the number of the newest migration, which is the version this library needs.
var schemaVersion = migrations[len(migrations)-1].version

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
