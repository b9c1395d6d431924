package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

// Repository is one repository, as the App reaches it. Its methods may be used concurrently; all of them may return
// a *LimitError, a *DownError or a *SetupError.
type Repository struct {
	app         *App
	owner, name string // as the task has them
	looking     mutex  // for the installation
	denied      denial // not covered
	pulls       pulls
	said        statedLists

	mu           sync.Mutex
	installation *installation
	found        time.Time // when
	facts        facts
	told         string // the new address that was warned about
	moved        bool   // an answer came by a redirect
	news         news   // the last that was heard of it
	heads        map[string]head
	listings     map[string][]page
	oddTag       sync.Once
}

// news is what somebody, such as a webhook, said of a repository. It is a reason to ask, and what to expect.
type news struct {
	heard  time.Time
	at     time.Time // when it happened
	branch string    // the default one; "": nothing was said of it
}

// Token returns an installation token for git over https, with User as user name. It may be kept for one operation only.
func (r *Repository) Token(ctx context.Context) (secret.Text, error) {
	return withInstallation(ctx, r, (*installation).secret)
}

// Again tells whether git, to which GitHub did not answer well with this token, should try once more: after a pause with the
// same token while that is so young that GitHub may not know it everywhere, else with another one. Tries count from 0.
func (r *Repository) Again(ctx context.Context, given secret.Text, try int) bool {
	r.mu.Lock()
	i := r.installation
	r.mu.Unlock()
	if i == nil || try > lagTries {
		return false
	}
	i.mu.Lock()
	t := i.token
	i.mu.Unlock()
	if t.secret == given && r.app.lag.young(t.made) {
		return r.app.lag.again(ctx, t.made, try)
	}
	i.drop(given)
	return ctx.Err() == nil
}

// Refused says that git met a 401 with this token; the next Token is another one.
func (r *Repository) Refused(token secret.Text) {
	r.mu.Lock()
	i := r.installation
	r.mu.Unlock()
	if i != nil {
		i.drop(token)
	}
}

// ScopedToken makes a token to give away: for this repository only, with exactly these permissions (contents → read).
// One that is not granted is a *PermissionError. expires is by this host's clock.
func (r *Repository) ScopedToken(ctx context.Context, permissions map[string]string) (made secret.Text, expires time.Time, err error) {
	known, err := r.known(ctx)
	if err != nil {
		return secret.Text{}, time.Time{}, err
	}
	t, err := withInstallation(ctx, r, func(i *installation, ctx context.Context) (token, error) {
		if err := i.denied.standing(); err != nil {
			return token{}, err
		}
		for permission, level := range permissions {
			if err := i.require(ctx, permission, level, i.app.recheck); err != nil {
				return token{}, err
			}
		}
		t, err := i.ask(ctx, tokenRequest{Permissions: permissions, RepositoryIDs: []int64{known.ID}})
		if err != nil {
			return token{}, err
		}
		return t, i.try(ctx, t, r.path(false))
	})
	if err != nil {
		return secret.Text{}, time.Time{}, besides(err)
	}
	return t.secret, r.app.clock.local(t.expires), nil
}

// path is where the API has the repository: where it was last found, or with original where the task says.
func (r *Repository) path(original bool) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.facts.FullName != "" && !original {
		return "repos/" + r.facts.FullName
	}
	return "repos/" + url.PathEscape(r.owner) + "/" + url.PathEscape(r.name)
}

// installed returns the installation that covers the repository, looked up if need be by one caller for all.
func (r *Repository) installed(ctx context.Context) (*installation, error) {
	if i, err := r.cached(); i != nil || err != nil {
		return i, err
	}
	if err := r.looking.lock(ctx); err != nil {
		return nil, err
	}
	defer r.looking.unlock()
	if i, err := r.cached(); i != nil || err != nil {
		return i, err
	}
	i, err := r.app.find(ctx, r.path(true)+"/installation")
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, r.notCovered(ctx)
	}
	r.denied.clear()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.installation, r.found = i, time.Now()
	return i, nil
}

func (r *Repository) cached() (*installation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.installation != nil && r.installation.alive() {
		return r.installation, nil
	}
	r.installation = nil
	return nil, r.denied.standing()
}

// lose forgets the installation, unless it was looked up just now, and says whether it did.
func (r *Repository) lose() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.found) < r.app.recheck {
		return false
	}
	r.installation = nil
	return true
}

// withInstallation calls f with the installation, and once more when that turns out to be gone.
func withInstallation[T any](ctx context.Context, r *Repository, f func(*installation, context.Context) (T, error)) (T, error) {
	var result T
	var err error
	for range 2 {
		var i *installation
		if i, err = r.installed(ctx); err != nil {
			return result, err
		}
		if result, err = f(i, ctx); !errors.Is(err, errGone) {
			return result, err
		}
	}
	return result, fmt.Errorf("%s/%s: %w", r.owner, r.name, err)
}

// do makes a call on the repository. On a 404 it makes sure that the installation still covers it.
func (r *Repository) do(ctx context.Context, c call) (answer, error) {
	ask := func(i *installation, ctx context.Context) (answer, error) { return r.ask(ctx, i, c) }
	a, err := withInstallation(ctx, r, ask)
	if status, _ := answered(err); status == http.StatusNotFound && r.lose() {
		a, err = withInstallation(ctx, r, ask)
	}
	if a.redirected {
		r.mu.Lock()
		r.moved = true
		r.mu.Unlock()
	}
	return a, err
}

// ask makes a call, again while GitHub may not know of what it says: of a permission that it grants, of a repository that it
// has just said to be covered.
func (r *Repository) ask(ctx context.Context, i *installation, c call) (answer, error) {
	for try := 0; ; try++ {
		a, err := i.do(ctx, c)
		barred := inaccessible(err)
		if barred {
			if missing := i.missing(ctx, c); missing != nil {
				return a, missing
			}
		}
		status, _ := answered(err)
		hidden := status == http.StatusNotFound && r.app.lag.young(r.foundAt())
		if !barred && !hidden || !r.app.lag.again(ctx, i.tokenMade(), try) {
			return a, err
		}
	}
}

// foundAt is when GitHub said last that the installation covers the repository.
func (r *Repository) foundAt() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

// missing tells which permission GitHub missed in a call, or nil when it is none of those kitops needs.
func (i *installation) missing(ctx context.Context, c call) error {
	needs := c.needs
	switch {
	case needs != permission{}:
	case c.class != ordinary:
		needs = permission{"statuses", "write"}
	default:
		needs = permission{"contents", "read"}
	}
	if err := i.learn(ctx); err != nil {
		return err
	}
	return i.require(ctx, needs.name, needs.level, patience)
}
