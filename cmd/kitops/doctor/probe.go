package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/files"
)

const (
	probeSize = 256 << 10 // bytes: a state of some hundred tasks
	probeTime = 10 * time.Second

	probePrefix = ".kitops-doctor-"
)

// written writes bytes into a new file of a directory, down to the disk, and
// removes it.
func written(path string) error {
	dir, err := files.OpenDir(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	name := probePrefix + rand.Text()
	probe, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = probe.Write(make([]byte, probeSize))
	return errors.Join(err, probe.Sync(), probe.Close(), dir.Remove(name))
}

// entered has the action's user, if that is another one, go into a directory.
func entered(ctx context.Context, path string, environ []string, user *actions.User) error {
	if !user.IsAnother() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return actions.Action{Name: "probe", Entrypoint: "/bin/sh", Args: []string{"-c", "exit 0"}}.Run(ctx, actions.Options{Dir: path, Environ: environ, User: user})
}

// executed runs a program from a new folder of a directory, as the action's
// user where that user gets through to it now. A run opens the way itself.
func executed(ctx context.Context, path string, environ []string, user *actions.User) error {
	if runtime.GOOS == "windows" {
		return nil // programs are run from everywhere there
	}
	dir, err := files.OpenDir(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	probe, err := dir.Temp(probePrefix)
	if err != nil {
		return err
	}
	defer probe.Close()
	defer dir.Remove(filepath.Base(probe.Path())) //nolint:errcheck // nothing in it but the script
	if info, err := os.Stat(dir.Path()); err != nil || info.Mode().Perm()&0o001 == 0 {
		user = nil
	}
	script, err := probe.OpenFile("probe", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = script.WriteString("#!/bin/sh\nexit 0\n")
	if err = errors.Join(err, script.Chmod(0o755), script.Close(), probe.SetMode(0o711)); err != nil { // whatever the umask
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return actions.Action{Name: "probe", Entrypoint: script.Name()}.Run(ctx, actions.Options{Dir: probe.Path(), Environ: environ, User: user})
}

// spaceRemedy is what mends a directory that cannot be written to.
func spaceRemedy(err error, otherwise string) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room there"
	case errors.Is(err, syscall.EROFS):
		return "the file system is read-only; name another place"
	}
	return otherwise
}

// entrypoint tells why an action's program cannot be started; "" if nothing
// speaks against it. What is in the checkout is not known here.
func entrypoint(a actions.Action, environ []string) (problem, remedy string) {
	name := a.Entrypoint
	switch {
	case filepath.IsAbs(name):
		info, err := os.Stat(name)
		if err == nil && runnable(info) {
			return "", ""
		}
		if err == nil {
			err = errors.New("not an executable file")
		}
		return fmt.Sprintf("cannot start %s: %v", name, err), wordsRemedy(name, "install it, or correct the path")
	case strings.ContainsRune(name, '/'):
		return "", ""
	}
	path := wiring.Process{Environ: environ}.Getenv("PATH")
	if own, ok := a.Environment["PATH"]; ok {
		path = own.Reveal()
	}
	for _, dir := range filepath.SplitList(path) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && runnable(info) {
			return "", ""
		}
	}
	return fmt.Sprintf("no program %q in PATH", name), wordsRemedy(name, "install it, write its path, or correct the PATH that kitops is started with")
}

func wordsRemedy(name, otherwise string) string {
	if strings.ContainsAny(name, " \t") {
		return "entrypoint is one word: put the rest into args, or write run for a command line"
	}
	return otherwise
}

func runnable(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
