package pgserver

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// BinariesVariable is the environment variable that names the directory of the server's binaries, for another version than the one that
// is installed.
const BinariesVariable = "IRONFLOW_TEST_POSTGRES"

var errNoBinaries = errors.New("pgserver: no PostgreSQL server found (initdb, pg_ctl and postgres; looked where pg_config " +
	"points, in /usr/lib/postgresql and in PATH): install one with `apt-get install postgresql`, or set " +
	OverrideVariable + " to the URL of a running one")

// Binaries returns the directory of a server's binaries. Debian keeps them out of PATH, one directory per version.
func Binaries() (string, error) {
	if dir := os.Getenv(BinariesVariable); dir != "" {
		if !complete(dir) {
			return "", fmt.Errorf("pgserver: %s is %s, which has not initdb, pg_ctl and postgres", BinariesVariable, dir)
		}
		return dir, nil
	}
	for _, dir := range slices.Concat(configured(), debian("/usr/lib/postgresql"), inPath()) {
		if complete(dir) {
			return dir, nil
		}
	}
	return "", errNoBinaries
}

func configured() []string {
	// pg_config comes with the client library too, so what it names may not exist.
	output, err := exec.Command("pg_config", "--bindir").Output()
	if err != nil {
		return nil
	}
	return []string{strings.TrimSpace(string(output))}
}

// debian lists the versions below root, the newest first.
func debian(root string) []string {
	dirs, _ := filepath.Glob(filepath.Join(root, "*", "bin"))
	version := func(dir string) int {
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return number
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	return dirs
}

func inPath() []string {
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return nil
	}
	// pg_ctl looks for postgres beside itself, so a link in PATH has to be followed.
	if target, err := filepath.EvalSymlinks(initdb); err == nil {
		initdb = target
	}
	return []string{filepath.Dir(initdb)}
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() {
			return false
		}
	}
	return true
}
