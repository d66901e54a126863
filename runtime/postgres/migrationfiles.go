package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MigrationFormat says how a migration tool wants its files.
type MigrationFormat string

const (
	// PlainMigrations are pairs of files, 000001_ironflow_initial.up.sql and 000001_ironflow_initial.down.sql. golang-migrate
	// takes them, and Atlas with ?format=golang-migrate.
	PlainMigrations MigrationFormat = "plain"

	// GooseMigrations are files with the annotations of goose, 00001_ironflow_initial.sql.
	GooseMigrations MigrationFormat = "goose"

	// TernMigrations are files with the separator of tern, 001_ironflow_initial.sql. Tern wants numbers without gaps.
	TernMigrations MigrationFormat = "tern"

	// AtlasMigrations are versioned files of Atlas, 00000000000001_ironflow_initial.sql. Run "atlas migrate hash" when they are
	// written. Atlas makes its own way back; ours stands in the directory down, where Atlas does not look.
	AtlasMigrations MigrationFormat = "atlas"
)

var migrationFormats = []MigrationFormat{PlainMigrations, GooseMigrations, TernMigrations, AtlasMigrations}

// MigrationFiles asks WriteMigrations for files.
type MigrationFiles struct {
	Format MigrationFormat

	// After is the schema version that the directory's files lead to already; only what comes after it is written. 0 writes
	// all.
	After int

	// First is the number of the first file that is written, for directories with files of your own: the number after
	// theirs, or a timestamp such as 20310304050607. The next files count on from it. Default: After + 1.
	First int64
}

// WriteMigrations writes the migrations of the schema as SQL files for a migration tool, instead of Migrate. They keep the
// same record of the schema's version as Migrate does, so that New finds it, and Migrate and the tool can take turns. The
// paths of the files are returned. A file that is there with another content is an error, and then nothing is written.
//
// Of the options only WithSchema matters.
func WriteMigrations(dir string, files MigrationFiles, options ...Option) ([]string, error) {
	config, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(migrationFormats, files.Format) {
		return nil, fmt.Errorf("postgres: there is no migration format %q, only %q", files.Format, migrationFormats)
	}
	if files.After != 0 && findMigration(files.After) == nil {
		return nil, fmt.Errorf("postgres: there is no version %d of the schema to go on from; the newest is %d", files.After, schemaVersion)
	}
	number := files.First
	if number == 0 {
		number = int64(files.After) + 1
	}
	if number < 1 {
		return nil, fmt.Errorf("postgres: the first migration file cannot have the number %d", number)
	}
	var written []migrationFile
	for _, m := range migrations {
		if m.version > files.After {
			written = append(written, m.files(files.Format, number, config.schema)...)
			number++
		}
	}
	return writeFiles(dir, written)
}

type migrationFile struct{ name, content string }

// files returns a migration as files, with the record of its version.
func (m *migration) files(format MigrationFormat, number int64, schema string) []migrationFile {
	up, down := m.scripts(schema)
	name := "ironflow_" + m.name
	switch format {
	case GooseMigrations:
		// Each half is one statement to goose, which would cut functions to pieces.
		half := func(way, script string) string {
			return "-- +goose " + way + "\n-- +goose StatementBegin\n" + script + "-- +goose StatementEnd\n"
		}
		return []migrationFile{{fmt.Sprintf("%05d_%s.sql", number, name), half("Up", up) + "\n" + half("Down", down)}}
	case TernMigrations:
		return []migrationFile{{fmt.Sprintf("%03d_%s.sql", number, name), up + "\n---- create above / drop below ----\n\n" + down}}
	case AtlasMigrations:
		file := fmt.Sprintf("%014d_%s.sql", number, name)
		return []migrationFile{{file, up}, {filepath.Join("down", file), down}}
	default:
		file := fmt.Sprintf("%06d_%s", number, name)
		return []migrationFile{{file + ".up.sql", up}, {file + ".down.sql", down}}
	}
}

// scripts returns the ways up and down with what Migrate does beside them.
func (m *migration) scripts(schema string) (up, down string) {
	up, down = m.up+"\n"+m.record()+";\n", m.down+"\n"+m.forget()+";\n"
	if m.version == migrations[0].version {
		up = createSchema + quote(schema) + ";\n\n" + strings.TrimSpace(createMigrations) + ";\n\n" + up
		down = m.down + dropMigrations // with what it has recorded
	}
	return inSchema(schema, up), inSchema(schema, down)
}

// writeFiles writes files that are not there yet, all or none.
func writeFiles(dir string, files []migrationFile) ([]string, error) {
	var paths []string
	var errs []error
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		paths = append(paths, path)
		there, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, err)
		case !bytes.Equal(there, []byte(f.content)):
			errs = append(errs, fmt.Errorf("postgres: %s exists with another content; write only what comes after the version that "+
				"the directory has, and give a number that is free", path))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for i, f := range files {
		if err := os.MkdirAll(filepath.Dir(paths[i]), 0o777); err != nil {
			return nil, err
		}
		if err := os.WriteFile(paths[i], []byte(f.content), 0o666); err != nil {
			return nil, err
		}
	}
	return paths, nil
}
