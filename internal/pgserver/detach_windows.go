package pgserver

import (
	"errors"
	"os/exec"
)

func detach(*exec.Cmd, string) error {
	return errors.New("cannot start a server on Windows; set " + OverrideVariable + " to the URL of a running one")
}
