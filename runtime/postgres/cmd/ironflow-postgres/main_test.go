package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMigrations(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "db")
	var out, errOut strings.Builder
	if code := Run([]string{"migrations", "-format", "goose", "-dir", dir, "-schema", "flows", "-first", "7"}, &out, &errOut); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	first := filepath.Join(dir, "00007_ironflow_initial.sql")
	if !strings.HasPrefix(out.String(), first+"\n") {
		t.Errorf("printed %s", out.String())
	}
	text, err := os.ReadFile(first)
	if err != nil || !strings.Contains(string(text), `CREATE TABLE "flows".events`) {
		t.Errorf("%v:\n%s", err, text)
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
		{"", exitUsage, "migrations -format"},
		{"help", exitOK, "migrations -format"},
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
		{"migrations -format flyway", exitFailed, `"flyway"`},
	} {
		var out strings.Builder
		code := Run(strings.Fields(test.args), &out, &out)
		if code != test.code || !strings.Contains(out.String(), test.print) {
			t.Errorf("%q: exit code %d, printed %s", test.args, code, out.String())
		}
	}
}
