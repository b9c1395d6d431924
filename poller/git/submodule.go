package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/dotgit"
	"github.com/bittrance/kitops/poller/git/gitmodules"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/worktree"
)

// submodule is a part of a checkout that comes from a repository of its own.
// The one without a parent is the repository checked out.
type submodule struct {
	parent *submodule
	depth  int    // 0: the repository checked out
	path   string // below the checkout, "" for all of it
	module string // its name in .gitmodules
	dir    int32  // of the plan, which is path
	url    address.URL
	id     object.ID // the recorded commit
	mirror *Mirror

	store *odb.Store // what the mirror holds, open
	fresh bool       // all of the mirror came with this attempt

	part worktree.Part      // of the plan
	git  *dotgit.Repository // to be; nil: none
}

// submoduleError concerns a submodule only: what it says of a mirror, it says of
// that one's.
type submoduleError struct {
	*submodule
	err error
}

func (e *submoduleError) Error() string { return fmt.Sprintf("submodule %q: %v", e.path, e.err) }

func (e *submoduleError) Unwrap() error { return e.err }

func (s *submodule) wrap(err error) error {
	if err == nil || s.parent == nil {
		return err
	}
	return &submoduleError{s, err}
}

// fetch opens the mirror, with the recorded commit in it. Only then is the mirror's lock held.
func (s *submodule) fetch(ctx context.Context, noModes bool) error {
	c := &checkout{Mirror: s.mirror, progress: disk.ProgressOf(ctx), kept: s.mirror.depot(1), rev: mirror.Held{ID: s.id}, git: s.git, noModes: noModes}
	if s.git != nil {
		c.worktree = dotgit.WorktreeOf(s.path, s.modules())
	}
	var err error
	s.store, _, err = c.reach(ctx, "")
	switch {
	case errors.Is(err, remote.ErrMoved), errors.Is(err, remote.ErrEmpty):
		err = s.search(ctx, c)
	case err != nil:
		err = fmt.Errorf("fetch %s: %w", s.url, err)
	}
	s.fresh = c.fresh
	return s.wrap(err)
}

// search looks for the commit among the heads, and then in what they lead to,
// after the remote did not give it by its id. What is said of it is none of the
// errors that are about the revision checked out.
func (s *submodule) search(ctx context.Context, c *checkout) error {
	gone := fmt.Errorf("its commit %s is not on %s: was it pushed?", s.id, s.url)
	heads, err := s.mirror.Heads(ctx, refs.Patterns{"refs/heads/**", "refs/tags/**"})
	if errors.Is(err, remote.ErrEmpty) {
		return gone
	}
	if err != nil {
		return err
	}
	at := slices.IndexFunc(heads, func(r refs.Revision) bool { return r.SHA == s.id.String() })
	if c.whole = at < 0; !c.whole {
		c.rev.Ref = heads[at].Ref
	}
	s.store, _, err = c.reach(ctx, "")
	switch {
	case errors.Is(err, remote.ErrMoved), c.whole && errors.Is(err, object.ErrMissing):
		return gone
	case err != nil:
		return fmt.Errorf("fetch %s: %w", s.url, err)
	}
	if c.whole && s.mirror.Log != nil {
		s.mirror.Log.WarnContext(ctx, "the server gives heads only: fetched all of the history (allow it protocol version 2, or uploadpack.allowReachableSHA1InWant)",
			"url", s.mirror.URL.String(), "sha", s.id.String())
	}
	return nil
}

// graft adds what is in the submodule to the plan.
func (s *submodule) graft(ctx context.Context, r *revision) error {
	var link object.ID
	if s.git != nil {
		var err error
		if link, err = r.store.Make([]byte(dotgit.LinkTo(s.path, s.modules()))); err != nil {
			return err
		}
	}
	read := s.store.Reader().Read
	_, tree, err := object.CommitOf(ctx, s.id, read)
	if err == nil {
		s.part, err = r.plan.Graft(ctx, s.dir, tree, link, read)
	}
	if err != nil {
		err = fmt.Errorf("read %s of %s: %w", s.id, s.url, err)
	}
	return s.wrap(err)
}

// modules are the names in .gitmodules from the first submodule down to this one.
func (s *submodule) modules() []string {
	if s.parent == nil {
		return nil
	}
	return append(s.parent.modules(), s.module)
}

// readModules reads .gitmodules, and no symlink as such.
func (s *submodule) readModules(p *worktree.Plan) (map[string]*gitmodules.Module, error) {
	f, ok := s.atTop(p, gitmodules.FileName)
	if !ok {
		return nil, nil //nolint:nilnil // no file has no sections
	}
	if f.Mode == object.ModeSymlink {
		return nil, errors.New("refused: it is a symlink")
	}
	at, ok := s.store.Find(f.ID)
	if !ok {
		return nil, fmt.Errorf("blob %w", object.Missing(f.ID))
	}
	data, err := s.store.Reader().Blob(at, f.ID)
	if err != nil {
		return nil, err
	}
	return gitmodules.Parse(data)
}

// atTop finds a file at the top of the repository, be it checked out or not.
func (s *submodule) atTop(p *worktree.Plan, name string) (worktree.PlanFile, bool) {
	if s.parent == nil {
		return p.AtTop(name)
	}
	for _, f := range p.Files[s.part.Files.Begin:s.part.Files.End] {
		if f.Dir == s.dir && f.Name == name {
			return f, true
		}
	}
	return worktree.PlanFile{}, false
}

// chain is the way here from the repository checked out.
func (s *submodule) chain() string {
	if s.parent == nil {
		return s.url.String()
	}
	return s.parent.chain() + " > " + strconv.Quote(s.name()) + " " + s.url.String()
}

// name is the path as the repository above knows it.
func (s *submodule) name() string {
	if s.parent.path == "" {
		return s.path
	}
	return strings.TrimPrefix(s.path, s.parent.path+"/")
}

// check reads all of the plan that the mirror has, and says what is damaged.
func (s *submodule) check(ctx context.Context, p *worktree.Plan) error {
	r := s.store.Reader()
	for i, f := range p.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, ok := s.store.Find(f.ID)
		if !ok && s.part.Files.Has(i) && !f.IsLink() {
			return fmt.Errorf("%q: blob %w", p.FilePath(f), object.Missing(f.ID))
		}
		if !ok {
			continue
		}
		large, err := r.Streamed(at)
		switch {
		case err != nil:
			err = odb.AsDamage(err, f.ID)
		case large:
			err = r.CopyBlob(ctx, io.Discard, at, f.ID)
		default:
			_, err = r.Blob(at, f.ID)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", p.FilePath(f), err)
		}
	}
	return nil
}
