package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	maxSubject = 200  // bytes of the first line of a message
	maxLooked  = 5000 // commits that are read to find those that both sides have
)

// Commit is one of a history.
type Commit struct {
	SHA     string
	Subject string // the first line of its message, at most 200 bytes
}

// Commits are those that are in the history of upTo and not in that of after, the nearest first, at most so many. It reads
// what the mirror has and asks the remote nothing: where that does not lead from one to the other, the error says so. While
// the mirror is being changed, it waits until ctx is done.
func (m *Mirror) Commits(ctx context.Context, after, upTo string, most int) ([]Commit, error) {
	old, known := object.ParseID(after)
	head, both := object.ParseID(upTo)
	if !known || !both {
		return nil, fmt.Errorf("%q or %q is no name of a commit", after, upTo)
	}
	errs := []error{errNotHeld}
	for _, d := range m.kept() {
		all, err := d.commits(ctx, old, head, most)
		if err == nil {
			return all, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// kept are the repositories that the mirror has, those with full histories first.
func (m *Mirror) kept() []*repo {
	full := m.depot(ancestry.FullHistory)
	m.depots.mu.Lock()
	defer m.depots.mu.Unlock()
	all := []*repo{full}
	for k, d := range m.depots.byKind {
		switch {
		case d == full:
		case k.depth == ancestry.FullHistory:
			all = slices.Insert(all, 1, d)
		default:
			all = append(all, d)
		}
	}
	return all
}

func (d *repo) commits(ctx context.Context, after, upTo object.ID, most int) ([]Commit, error) {
	if _, err := os.Stat(d.dir); err != nil {
		return nil, err
	}
	if err := d.busy.lock(ctx); err != nil {
		return nil, err
	}
	defer d.busy.unlock()
	b, err := mirror.Open(ctx, d.dir, d.depth, upTo.Format())
	if err != nil {
		return nil, err
	}
	defer b.Close()
	w := commitWalk{read: b.Store.Reader().Read}
	behind := map[object.ID]bool{}
	if err := w.walk(ctx, after, func(c walked) bool { behind[c.id] = true; return len(behind) < maxLooked }); err != nil {
		return nil, err
	}
	var all []Commit
	w.known = behind
	err = w.walk(ctx, upTo, func(c walked) bool {
		all = append(all, Commit{c.id.String(), subject(c.data)})
		return len(all) < most
	})
	if err == nil && w.cut && len(all) < most {
		err = errNotHeld
	}
	return all, err
}

// commitWalk reads commits, the nearest first.
type commitWalk struct {
	read  func(object.ID) (object.Object, error)
	known map[object.ID]bool // where it does not go
	cut   bool               // a parent is not here
}

type walked struct {
	id, tree object.ID
	parents  []object.ID
	data     []byte
}

// walk visits each commit once, from one on, until visit says no. The first must be there.
func (w *commitWalk) walk(ctx context.Context, from object.ID, visit func(walked) bool) error {
	w.cut = false
	queue, seen := []object.ID{from}, map[object.ID]bool{from: true}
	for i := 0; i < len(queue); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := queue[i]
		if w.known[id] {
			continue
		}
		o, err := w.read(id)
		if err != nil && i > 0 {
			w.cut = true // where a history that is not full ends
			continue
		}
		if err != nil {
			return err
		}
		c, err := object.ParseCommit(id, o)
		if err != nil {
			return err
		}
		if !visit(walked{id, c.Tree, c.Parents, o.Data}) {
			return nil
		}
		for _, parent := range c.Parents {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return nil
}

// subject is the first line of a commit's message.
func subject(data []byte) string {
	_, message, _ := bytes.Cut(data, []byte("\n\n"))
	line, _, _ := bytes.Cut(bytes.TrimLeft(message, "\n"), []byte("\n"))
	return string(bytes.ToValidUTF8(bytes.TrimSpace(line[:min(len(line), maxSubject)]), []byte("\uFFFD")))
}
