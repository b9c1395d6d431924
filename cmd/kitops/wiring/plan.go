package wiring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
)

// maxBrought is the size of a file that brings actions.
const maxBrought = 64 << 10

// plan is the poller's Plan: what the file says at this revision. A revision
// without the file has nothing to do.
func plan(t settings.Task, dir string, rev git.Revision) (poller.Plan, error) {
	source, err := readBrought(t.Bring.File, dir)
	if err != nil || source == nil {
		return poller.Plan{}, err
	}
	brought, mistakes := t.Bring.Parse(source, t.Timeout)
	if len(mistakes) > 0 {
		return poller.Plan{}, &poller.MistakeError{Err: firstOf(mistakes)}
	}
	if matched, _ := brought.Refs.Match(rev.Ref); len(brought.Refs) > 0 && !matched {
		return poller.Plan{}, nil
	}
	return poller.Plan{
		Actions: brought.Actions, Timeout: brought.Timeout, Paths: t.Bring.Concerns(brought.Paths),
		OnFailure: slices.Concat(brought.OnFailure, t.OnFailure), Always: slices.Concat(brought.Always, t.Always),
	}, nil
}

// mistake is one that was made in the revision: only another revision mends it.
func mistake(format string, args ...any) error {
	return &poller.MistakeError{Err: fmt.Errorf(format, args...)}
}

// firstOf is one line for a status, whatever the number of mistakes.
func firstOf(mistakes []error) error {
	if len(mistakes) == 1 {
		return mistakes[0]
	}
	return fmt.Errorf("%w (and %d more)", mistakes[0], len(mistakes)-1)
}

// readBrought returns the file's content, nil when there is none. Links are not
// followed: the file is the repository's own.
func readBrought(name, dir string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer root.Close()
	segments := strings.Split(name, "/")
	for i := range segments {
		at := path.Join(segments[:i+1]...)
		info, err := root.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", name, err)
		case at == name && !info.Mode().IsRegular(), at != name && !info.IsDir():
			return nil, mistake("%s must be a regular file", name)
		}
	}
	return readRegular(root, name)
}

// readRegular reads a regular file. What an earlier action left running may
// have put something else in its place meanwhile: a pipe is not waited for.
func readRegular(root *os.Root, name string) ([]byte, error) {
	file, info, err := files.OpenBelow(root, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer file.Close()
	if !info.Mode().IsRegular() {
		return nil, mistake("%s must be a regular file", name)
	}
	source, err := io.ReadAll(io.LimitReader(file, maxBrought+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(source) > maxBrought:
		return nil, mistake("%s is larger than %d KiB", name, maxBrought>>10)
	}
	return source, nil
}
