package changes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
)

const maxBytes = 64 << 20 // of all paths of a list

// ErrTooMany says that two trees differ in more than what is listed.
var ErrTooMany = errors.New("more has changed than is listed")

// List are paths that differ, in git's order. A submodule is one path.
type List []Path

// Path is one that differs, be it that it is in one of the trees only.
type Path struct {
	Name      string
	Submodule bool // another commit: anything below may have changed
}

// Between compares two trees. It reads only what differs, so that its time is that of the difference. A rename is
// both of its paths.
func Between(ctx context.Context, from, to object.ID, read func(object.ID) (object.Object, error)) (List, error) {
	c := comparison{ctx: ctx, read: read}
	if err := c.trees("", from, to, 0); err != nil {
		return nil, err
	}
	slices.SortFunc(c.found, func(a, b Path) int { return strings.Compare(a.Name, b.Name) })
	return c.found, nil
}

type comparison struct {
	ctx   context.Context
	read  func(object.ID) (object.Object, error)
	found List
	bytes int
}

// trees compares two directories, of which one may be zero: it is not there.
func (c *comparison) trees(above string, from, to object.ID, depth int) error {
	if from == to {
		return nil
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if depth > object.MaxDepth {
		return fmt.Errorf("directories nested deeper than %d", object.MaxDepth)
	}
	before, err := c.tree(from)
	if err != nil {
		return err
	}
	after, err := c.tree(to)
	if err != nil {
		return err
	}
	was, is := before.Finder(), after.Finder()
	for e := range after.All() {
		old, there := was(e)
		if !there {
			old = object.TreeEntry{}
		}
		if err := c.entries(above, old, e, depth); err != nil {
			return err
		}
	}
	for e := range before.All() {
		if _, there := is(e); !there {
			if err := c.entries(above, e, object.TreeEntry{}, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) tree(id object.ID) (object.Tree, error) {
	if id.IsZero() {
		return object.Tree{}, nil
	}
	return object.ReadTree(id, c.read)
}

// entries compares what has one name, of which one may be missing. They are both directories, or neither is.
func (c *comparison) entries(above string, old, now object.TreeEntry, depth int) error {
	e := now
	if e.Name == "" {
		e = old
	}
	switch {
	case e.Mode == object.ModeDir:
		return c.trees(above+e.Name+"/", old.ID, now.ID, depth+1)
	case old.ID == now.ID && old.Mode == now.Mode:
		return nil
	}
	path := Path{Name: above + e.Name, Submodule: old.Mode == object.ModeSubmodule || now.Mode == object.ModeSubmodule}
	if c.bytes += len(path.Name); c.bytes > maxBytes || len(c.found) >= object.MaxEntries {
		return ErrTooMany
	}
	c.found = append(c.found, path)
	return nil
}
