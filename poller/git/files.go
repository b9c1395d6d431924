package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
)

// Files tells which of these paths are files of a commit. It reads what the mirror has and asks the remote nothing: a commit
// that is not there is an error. While the mirror is being changed, it waits until ctx is done.
func (m *Mirror) Files(ctx context.Context, sha string, paths []string) (map[string]bool, error) {
	id, known := object.ParseID(sha)
	if !known {
		return nil, fmt.Errorf("%q is no name of a commit", sha)
	}
	errs := []error{errNotHeld}
	for _, d := range m.kept() {
		all, err := d.files(ctx, id, paths)
		if err == nil {
			return all, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (d *repo) files(ctx context.Context, id object.ID, paths []string) (map[string]bool, error) {
	if _, err := os.Stat(d.dir); err != nil {
		return nil, err
	}
	if err := d.busy.lock(ctx); err != nil {
		return nil, err
	}
	defer d.busy.unlock()
	b, err := mirror.Open(ctx, d.dir, d.depth, id.Format())
	if err != nil {
		return nil, err
	}
	defer b.Close()
	read := b.Store.Reader().Read
	_, root, err := object.CommitOf(ctx, id, read)
	if err != nil {
		return nil, err
	}
	trees := treesRead{read, map[object.ID]object.Tree{}}
	all := map[string]bool{}
	for _, path := range paths {
		if all[path], err = trees.have(root, path); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// treesRead reads each tree once.
type treesRead struct {
	read  func(object.ID) (object.Object, error)
	known map[object.ID]object.Tree
}

// have tells whether there is a file at a path below a tree.
func (t treesRead) have(root object.ID, path string) (bool, error) {
	name, rest, deeper := strings.Cut(path, "/")
	tree, known := t.known[root]
	if !known {
		var err error
		if tree, err = object.ReadTree(root, t.read); err != nil {
			return false, err
		}
		t.known[root] = tree
	}
	for e := range tree.All() {
		switch {
		case e.Name != name:
		case deeper && e.Mode == object.ModeDir:
			return t.have(e.ID, rest)
		default:
			return !deeper && (e.Mode == object.ModeFile || e.Mode == object.ModeRun), nil
		}
	}
	return false, nil
}
