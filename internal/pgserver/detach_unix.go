//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Detach keeps signals to this process group, such as a Ctrl-C, from the command, and takes root from it, because
// PostgreSQL refuses to run as root. dir, with all that is in it, is given to whom the command runs as.
func Detach(command *exec.Cmd, dir string) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return fmt.Errorf("running as root, which PostgreSQL refuses, and there is no user postgres or nobody: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return err
	}
	command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, int(uid), int(gid))
		}
		if errors.Is(err, fs.ErrNotExist) { // temporary files of a server that runs
			return nil
		}
		return err
	})
}
