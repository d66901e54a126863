package pgserver

import (
	"errors"
	"os/exec"
)

// Detach fails: there is no way here to start a server that outlives no owner.
func Detach(*exec.Cmd, string) error {
	return errors.New("cannot start a server on Windows; set " + OverrideVariable + " to the URL of a running one")
}
