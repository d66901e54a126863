package postgres

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing/fstest"
)

// Migrations are never edited once released, only added to. Within a major version of the library they only add: tables, columns with
// a default or NULL, indexes, functions under new names. So the processes of the release before go on while one of the next migrates,
// and a release can be taken back without its migration.
//
//go:embed migrations/*.up.sql
var migrationFiles embed.FS

// migration is one step of the schema, written for the default schema. Its script also records its version, and the oldest version
// whose library works on the schema that it leads to.
type migration struct {
	version int // the number of its file
	file    string
	script  string
}

// migrations are all steps, in order.
var migrations = mustReadMigrations()

// mustReadMigrations panics when the embedded files are not what they must be, which every test would find.
func mustReadMigrations() (all []migration) {
	files, err := fs.ReadDir(migrationFiles, "migrations") // in order: the numbers have one width
	if err != nil {
		panic(err)
	}
	for i, file := range files {
		script, err := migrationFiles.ReadFile("migrations/" + file.Name())
		if err != nil {
			panic(err)
		}
		number, _, _ := strings.Cut(file.Name(), "_")
		if version, err := strconv.Atoi(number); err != nil || version != i+1 {
			panic(fmt.Sprintf("postgres: migration %s is not the number %d", file.Name(), i+1))
		}
		all = append(all, migration{i + 1, file.Name(), string(script)})
	}
	return all
}

// Migrations returns the SQL files that Migrate runs, for programs that migrate with another tool. Run them in the order of their
// names; 001_initial.up.sql creates the schema and its tables. Each file also records the version of the schema. So New finds it,
// and you can use Migrate and the tool in turn.
//
// Of the options, only WithSchema has an effect.
func Migrations(options ...Option) (fs.FS, error) {
	config, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	for i, m := range config.migrations {
		script := inSchema(config.schema, m.script)
		if i == 0 {
			script = "CREATE SCHEMA IF NOT EXISTS " + quote(config.schema) + ";\n\n" + script
		}
		files[m.file] = &fstest.MapFile{Data: []byte(script), Mode: 0o444}
	}
	return files, nil
}
