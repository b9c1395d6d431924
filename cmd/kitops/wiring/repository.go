package wiring

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// Repository is a task's repository on GitHub: looks by the API, fetches with
// an installation token.
type Repository struct {
	*app.Repository
	App      *app.App
	owner    string
	clone    git.URL
	mirror   *git.Mirror
	explicit bool // the task's own github key: without the App it does not work
	log      *slog.Logger
	tags     leads
	warned   *sync.Once // shared: mirrors outlive what is made anew of the same settings
}

// Anonymous tells whether an error means to read the repository as anybody.
func (r *Repository) Anonymous(err error) bool {
	var uncovered *app.NotCoveredError
	if r.explicit || !errors.As(err, &uncovered) || !uncovered.Public {
		return false
	}
	r.warned.Do(func() {
		r.log.Warn("the App is not installed on this public repository: it is read anonymously, without commit statuses", "err", err)
	})
	return true
}

// auth is the git.Auth of the mirror.
func (r *Repository) auth(ctx context.Context, _ string) (user string, password secret.Text, err error) {
	token, err := r.Token(ctx)
	if r.Anonymous(err) {
		return "", secret.Text{}, nil
	}
	return app.User, token, err
}

// heads asks the API, and git itself while the API is down.
func (r *Repository) heads(ctx context.Context, refs git.Patterns) ([]git.Revision, git.Tags, error) {
	all, tags, err := r.apiHeads(ctx, refs)
	var limit *app.LimitError
	var down *app.DownError
	switch {
	case err == nil:
		return all, tags, nil
	case errors.Is(err, app.ErrEmpty):
		return nil, nil, git.ErrEmpty
	case errors.As(err, &limit):
		return nil, nil, &poller.LaterError{At: limit.Until, Err: err}
	case errors.As(err, &down), r.Anonymous(err):
		revisions, tags, fallback := r.gitHeads(ctx, refs)
		if fallback != nil && !errors.Is(fallback, git.ErrEmpty) {
			return nil, nil, errors.Join(err, fallback)
		}
		return revisions, tags, fallback
	}
	return nil, nil, err
}

// apiHeads leaves out what the API tells beyond the patterns. The default
// branch is asked for by itself, or nobody could tell it from the rest.
func (r *Repository) apiHeads(ctx context.Context, refs git.Patterns) ([]git.Revision, git.Tags, error) {
	rest := slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return ref == "HEAD" })
	found := map[string]string{}
	var annotated []git.Revision
	if len(rest) < len(refs) {
		heads, err := r.Heads(ctx, []string{"HEAD"})
		if err != nil {
			return nil, nil, err
		}
		for _, head := range heads {
			found[head.Ref] = head.SHA
		}
	}
	if rest.Validate() == nil { // else there are only exclusions left
		heads, err := r.Heads(ctx, rest)
		if err != nil {
			return nil, nil, err
		}
		for _, head := range heads {
			switch matched, _ := rest.Match(head.Ref); {
			case !matched:
			case head.Tag:
				annotated = append(annotated, git.Revision{Ref: head.Ref, SHA: head.SHA})
			default:
				found[head.Ref] = head.SHA
			}
		}
	}
	commits, tags, err := r.tags.lead(ctx, annotated, r.gitHeads)
	if err != nil {
		return nil, nil, err
	}
	for _, rev := range commits {
		found[rev.Ref] = rev.SHA
	}
	var all []git.Revision
	for _, ref := range slices.Sorted(maps.Keys(found)) {
		all = append(all, git.Revision{Ref: ref, SHA: found[ref]})
	}
	return all, tags, nil
}

// checkout fetches the revision.
func (r *Repository) checkout(ctx context.Context, rev git.Revision, dir string, o git.Options) error {
	return r.byGit(ctx, func() error { return r.mirror.Checkout(ctx, rev, dir, o) })
}

func (r *Repository) gitHeads(ctx context.Context, refs git.Patterns) (revisions []git.Revision, tags git.Tags, err error) {
	err = r.byGit(ctx, func() error {
		revisions, tags, err = r.mirror.HeadsAndTags(ctx, refs)
		return err
	})
	return revisions, tags, err
}

// byGit asks git with a token, where r is not nil. One that git does not take may be too young for
// its servers to know it, or have been revoked.
func (r *Repository) byGit(ctx context.Context, ask func() error) error {
	if r == nil {
		return ask()
	}
	for try := 0; ; try++ {
		err := ask()
		if !errors.Is(err, git.ErrCredentials) && !errors.Is(err, git.ErrHidden) && !errors.Is(err, git.ErrDenied) {
			return outage(err)
		}
		token, failed := r.Token(ctx)
		switch {
		case r.Anonymous(failed):
			return err
		case failed != nil:
			return outage(failed)
		}
		if !r.Again(ctx, token, try) {
			return err
		}
	}
}

// outage tells the poller that GitHub is out of order, or until when it answers nothing.
func outage(err error) error {
	err = later(err)
	if down, ok := errors.AsType[*app.DownError](err); ok && down != nil {
		return &poller.PassingError{Err: err}
	}
	return err
}

// identity makes sure that it still is the repository it was, as far as the
// App can see.
func (r *Repository) identity(ctx context.Context, known string) (string, error) {
	identity, err := r.Identity(ctx, known)
	var limit *app.LimitError
	var down *app.DownError
	switch {
	case errors.As(err, &limit):
		return "", &poller.LaterError{At: limit.Until, Err: err}
	case errors.As(err, &down), r.Anonymous(err):
		return known, nil
	}
	return identity, err
}
