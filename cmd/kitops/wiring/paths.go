package wiring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

// ErrNothing says that a change has nothing to run.
var ErrNothing = errors.New("nothing to run")

// Change is what a task is asked about: A..B, where what is left out is HEAD, or B against where that has left the default branch.
type Change struct{ Task, Span string }

// Paths writes what the paths of a task make of a change. The error is [ErrNothing] if nothing would run. What it fetches is
// gone at the end.
func Paths(ctx context.Context, all settings.Options, p Process, c Change, out io.Writer) error {
	s, _, err := all.Load(p.Environ)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(s.Tasks, func(t settings.Task) bool { return t.Name == c.Task })
	if at < 0 || s.Tasks[at].Repos != nil || s.Tasks[at].Elsewhere {
		var names []string
		for _, t := range s.Tasks {
			if t.Repos == nil && !t.Elsewhere {
				names = append(names, t.Name)
			}
		}
		return settings.Mistake("no task %q with one repository; there are %s", c.Task, strings.Join(names, ", "))
	}
	dir, err := os.MkdirTemp("", "kitops-paths-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	t := s.Tasks[at]
	s.Tasks = []settings.Task{t}
	w := New(p, dir, s.Git.MaxSize, s.App.APIURL, slog.New(slog.DiscardHandler))
	if _, err := w.Make(s); err != nil {
		return err
	}
	changed, err := w.changed(ctx, t, c.Span)
	return tellPaths(out, t, changed, err)
}

// changed is what has changed, as A..B says.
func (w *Wiring) changed(ctx context.Context, t settings.Task, span string) (git.Changed, error) {
	from, to, spans := strings.Cut(span, "..")
	if !spans {
		to = span
	}
	from, to = cmp.Or(from, "HEAD"), cmp.Or(to, "HEAD") // as in git
	r := w.Repository(t.Name)
	ask := w.changes(w.mirrors.get(t, r), r, git.Options{})
	rev, err := w.revision(ctx, t, to)
	switch {
	case err != nil:
		return nil, err
	case !spans:
		return ask(ctx, rev, "")
	}
	base, err := w.revision(ctx, t, from)
	if err != nil {
		return nil, err
	}
	if _, err := ask(ctx, base, base.SHA); err != nil { // to have it
		return nil, err
	}
	return ask(ctx, rev, base.SHA)
}

// revision is where a branch, a tag or HEAD is, or what a whole SHA names.
func (w *Wiring) revision(ctx context.Context, t settings.Task, name string) (git.Revision, error) {
	if git.IsSHA(name) {
		return git.Revision{SHA: name}, nil
	}
	t.Refs = git.Meant(name)
	if name != "HEAD" && !git.ValidRef(t.Refs[0]) {
		return git.Revision{}, settings.Mistake("%q is no name of a branch or a tag: name one revision, or two as A..B", name)
	}
	heads, _, err := w.GitHeads(ctx, t)
	if err != nil {
		return git.Revision{}, err
	}
	if len(heads) == 0 {
		return git.Revision{}, fmt.Errorf("%s has no branch or tag %q; a commit is named by its whole SHA", t.URL, name)
	}
	return heads[0], nil
}

func tellPaths(out io.Writer, t settings.Task, changed git.Changed, err error) error {
	var doubt *git.DoubtError
	switch {
	case errors.As(err, &doubt):
		fmt.Fprintf(out, "would run: %s\n", status.Printable(doubt.Error()))
		return nil
	case err != nil:
		return err
	}
	selected := len(t.Paths.Select(changed))
	switch {
	case len(t.Paths) == 0:
		fmt.Fprintf(out, "would run: task %s has no paths, so each new revision runs\n", t.Name)
	case selected > 0:
		fmt.Fprintf(out, "would run: %d of %d files that have changed match\n", selected, len(changed))
	default:
		fmt.Fprintf(out, "nothing to run: none of %d files that have changed matches\n", len(changed))
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, path := range changed {
		pattern, matches := t.Paths.Why(path)
		switch {
		case matches && pattern == "":
			pattern = "not excluded"
		case matches:
			pattern = "matches " + pattern
		case pattern != "":
			pattern = "excluded by " + pattern
		default:
			pattern = "no pattern matches"
		}
		fmt.Fprintf(table, "  %s\t%s\n", status.Printable(path.Name), pattern)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if t.Bring != nil {
		fmt.Fprintf(out, "%s of the revision may have paths, too, which are not read here\n", status.Printable(t.Bring.File))
	}
	if len(t.Paths) > 0 && selected == 0 {
		return ErrNothing
	}
	return nil
}
