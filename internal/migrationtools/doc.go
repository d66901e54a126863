// Package migrationtools has nothing but a test: that goose, tern, golang-migrate and Atlas take the files of
// postgres.WriteMigrations, up and down. It is a module of its own, so that these tools are in the go.sum of nobody else.
package migrationtools
