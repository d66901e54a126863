package main

import (
	"bytes"
	"strings"
	"testing"
)

// However a store is named, rightly or not, no part of its password is printed.
func TestNoPasswordIsPrinted(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"postgres://u:SECRET@127.0.0.1:1/db":                                  "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:SE%40CRET@127.0.0.1:1/db?connect_timeout=2":             "postgres://u@127.0.0.1:1/db: ",
		"postgres://127.0.0.1:1/db?user=u&password=SECRET":                    "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:SE:CRET@127.0.0.1:1/db":                                 "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:SE#CRET@127.0.0.1:1/db":                                 "postgres://u@127.0.0.1:1/db: ",
		"postgres://u:CRET/SECRET@127.0.0.1:1/db":                             "%2F for /",
		"postgres://u:SEC%RET@127.0.0.1:1/db":                                 "%40 for @",
		"postgres://u:SE CRET@127.0.0.1:1/db":                                 "%40 for @",
		"postgres://u:SECRET@[::1/db":                                         "cannot be read",
		"POSTGRES://u:SE@CRET@127.0.0.1:1/db":                                 "no such file",
		"host=127.0.0.1 port=1 user=u dbname=db password=SE@CRET":             "postgres://u@127.0.0.1:1/db: ",
		`host=127.0.0.1 port=1 user=u dbname=db password = 'SE\'CRET SECRET'`: "postgres://u@127.0.0.1:1/db: ",
		`host=127.0.0.1 port=1 user=u dbname=db password=SE\ CRET`:            "postgres://u@127.0.0.1:1/db: ",
		"host=127.0.0.1 port=1 password=SE CRET":                              "password='…'",
		"user=u password=SECRET dbname=db":                                    "no such file",
		"user=u PASSWORD = SECRET dbname=db":                                  "no such file",
	} {
		var out, errs bytes.Buffer
		code := Run(t.Context(), []string{"health", "-store", name, "-timeout", "10s"}, strings.NewReader(""), &out, &errs)
		if code != exitStore || !strings.Contains(errs.String(), says) || strings.Contains(out.String()+errs.String(), "CRET") {
			t.Errorf("%s: code %d, prints %s%s, want %q", name, code, &out, &errs, says)
		}
	}
}
