package main

import (
	"strings"
	"testing"
)

func TestMigrations(t *testing.T) {
	t.Parallel()
	var out, errOut strings.Builder
	if code := Run([]string{"migrations", "-schema", "flows"}, &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	for _, part := range []string{
		"-- ironflow 001_initial.up.sql\n", `CREATE SCHEMA IF NOT EXISTS "flows";`, `CREATE TABLE "flows".events`,
		`INSERT INTO "flows".schema_migrations (version, oldest) VALUES (1, 1);`,
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("it does not say %s:\n%s", part, out.String())
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	var out, errOut strings.Builder
	if code := Run([]string{"roles", "-schema", "flows", "-worker", "shop"}, &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	for _, part := range []string{`ALTER SCHEMA "flows" OWNER TO "flows_owner";`, `GRANT INSERT, DELETE ON "flows".events TO "shop";`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("it does not say %s:\n%s", part, out.String())
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args  string
		code  int
		print string
	}{
		{"", exitUsage, "migrations [-schema NAME]"},
		{"help", exitOK, "migrations [-schema NAME]"},
		{"migrate", exitUsage, `no command "migrate"`},
		{"migrations -h", exitOK, "-after"},
		{"migrations -what", exitUsage, "-what"},
		{"migrations db", exitUsage, `unexpected argument "db"`},
		{"roles -schema a;b", exitFailed, `"a;b"`},
		{"roles -schema information_schema", exitFailed, `"information_schema"`},
		{"migrations -schema pg_catalog", exitFailed, `"pg_catalog"`},
		{"migrations -schema information_schema", exitFailed, `"information_schema"`},
		{"roles -owner public", exitFailed, `"public"`},
		{"roles -worker none", exitFailed, `"none"`},
		{"roles -reader pg_monitor", exitFailed, `"pg_monitor"`},
		{"migrations -after 99", exitFailed, "after version 99"},
	} {
		var out strings.Builder
		code := Run(strings.Fields(test.args), &out, &out)
		if code != test.code || !strings.Contains(out.String(), test.print) {
			t.Errorf("%q: exit code %d, printed %s", test.args, code, out.String())
		}
	}
}
