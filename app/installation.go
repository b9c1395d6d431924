package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// patience is how long something missing stays missing before it is asked for again.
const patience = time.Hour

// grant is what GitHub says of an installation.
type grant struct {
	ID      int64  `json:"id"`
	HTMLURL string `json:"html_url"` // its settings page
	AppSlug string `json:"app_slug"`
	Account struct {
		ID    int64  `json:"id"`
		Login string `json:"login"` // an enterprise has none
		Slug  string `json:"slug"`  // of an enterprise
	} `json:"account"`
	Permissions map[string]string `json:"permissions"`
	SuspendedAt *time.Time        `json:"suspended_at"`
}

// enterprise tells an installation on an enterprise, which reaches no repository, from those on users and organizations.
func (g grant) enterprise() bool { return g.Account.Login == "" }

// owner is how people call the account.
func (g grant) owner() string {
	if g.enterprise() {
		return "the enterprise " + g.Account.Slug
	}
	return g.Account.Login
}

func (g grant) allows(permission, level string) bool {
	rank := map[string]int{"read": 1, "write": 2, "admin": 3}
	return rank[level] > 0 && rank[g.Permissions[permission]] >= rank[level]
}

func (g grant) String() string { return "the App's installation on " + g.owner() }

// installation is the App on one account, shared by the repositories it covers: one token, one gate.
type installation struct {
	app        *App
	id         int64
	line       *line
	denied     denial // of its tokens
	refreshing mutex
	learning   mutex

	mu    sync.Mutex
	grant grant
	asked time.Time // when grant was learned
	mute  bool      // statuses are wanted but not granted
	plain bool      // it was said that there are statuses instead of check runs
	apart bool      // it was said that its repositories are left out
	gone  bool
	token token
}

// errGone says that an installation was removed: it is to be looked up again.
var errGone = errors.New("the installation was removed")

// installation brings the shared one up to date with what GitHub just said.
func (a *App) installation(g grant) *installation {
	a.mu.Lock()
	i := a.installations[g.ID]
	if i == nil {
		i = &installation{
			app: a, id: g.ID, refreshing: newMutex(), learning: newMutex(), line: a.newLine(a.http, g.String()),
		}
		a.installations[g.ID] = i
	}
	a.mu.Unlock()
	i.update(g)
	return i
}

// find asks as the App for an installation; it returns nil when there is none.
func (a *App) find(ctx context.Context, path string) (*installation, error) {
	ans, err := a.do(ctx, call{method: http.MethodGet, path: path, class: ordinary})
	if status, _ := answered(err); status == http.StatusNotFound {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, besides(err)
	}
	var g grant
	if err := ans.decode(&g); err != nil {
		return nil, err
	}
	return a.installation(g), nil
}

// learn asks anew what is granted, once for all who want to know at the moment.
func (i *installation) learn(ctx context.Context) error {
	before := i.lastAsked()
	if err := i.learning.lock(ctx); err != nil {
		return err
	}
	defer i.learning.unlock()
	if i.lastAsked() != before {
		return nil
	}
	path := fmt.Sprintf("app/installations/%d", i.id)
	found, err := i.app.find(ctx, path)
	if err == nil && found == nil {
		return i.vanish()
	}
	return err
}

// vanish forgets an installation that GitHub no longer knows.
func (i *installation) vanish() error {
	i.mu.Lock()
	i.gone, i.token = true, token{}
	i.mu.Unlock()
	i.app.mu.Lock()
	defer i.app.mu.Unlock()
	if i.app.installations[i.id] == i {
		delete(i.app.installations, i.id)
	}
	return errGone
}

func (i *installation) lastAsked() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *installation) alive() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.gone
}

// update takes what GitHub says, and tells once that statuses are off or on again. Other permissions are told by errors.
func (i *installation) update(g grant) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.grant, i.asked = g, time.Now()
	off := i.app.statuses.Load() && !g.enterprise() && !g.allows("statuses", "write")
	switch {
	case off && !i.mute:
		i.app.log.Warn("no commit statuses: the GitHub App lacks a permission",
			"permission", "statuses:write", "account", g.owner(), "remedy", i.lacks("statuses", "write").Remedy)
	case !off && i.mute:
		i.app.log.Info("commit statuses are on: the GitHub App was granted the permission", "account", g.owner())
	}
	i.mute = off
}

// lacks is the error for a missing permission.
func (i *installation) lacks(permission, level string) *PermissionError {
	return &PermissionError{
		SetupError: SetupError{
			fmt.Sprintf("%s does not grant %s:%s", i.grant, permission, level),
			"add it to the App's permissions, then accept the change at " + i.grant.HTMLURL,
		},
		Permission: permission,
	}
}

// require returns a PermissionError for what is not granted. When the last answer is older than age, it asks first.
func (i *installation) require(ctx context.Context, permission, level string, age time.Duration) error {
	i.mu.Lock()
	granted, old := i.grant.allows(permission, level), time.Since(i.asked) >= age
	i.mu.Unlock()
	if granted {
		return nil
	}
	if old {
		if err := i.learn(ctx); err != nil {
			return err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.grant.allows(permission, level) {
		return i.lacks(permission, level)
	}
	return nil
}

// do makes a call with the installation's token. A 401 is answered with the same token while that is so young that GitHub may
// not know it everywhere, and then with a new one, once.
func (i *installation) do(ctx context.Context, c call) (answer, error) {
	for renewed := false; ; renewed = true {
		t, err := i.shared(ctx)
		if err != nil {
			return answer{}, err
		}
		a, err := i.with(ctx, t, c)
		status, message := answered(err)
		switch {
		case suspended(err):
			i.drop(t.secret)
			return a, i.deny(i.suspended())
		case shutOut(err):
			return a, i.deny(i.allowList())
		case status != http.StatusUnauthorized:
			return a, err
		case renewed:
			return a, i.deny(i.unfit(message))
		}
		i.drop(t.secret)
	}
}

// with makes a call with a token, as often as its age allows.
func (i *installation) with(ctx context.Context, t token, c call) (answer, error) {
	c.token = t.secret
	for try := 0; ; try++ {
		a, err := i.line.do(ctx, c)
		if status, _ := answered(err); status != http.StatusUnauthorized || !i.app.lag.again(ctx, t.made, try) {
			return a, err
		}
	}
}

// tokenMade is when the shared token was made.
func (i *installation) tokenMade() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.token.made
}

// deny remembers a no, and tells it to those who wait for their turn.
func (i *installation) deny(err error) error {
	i.line.gate.dismiss(err)
	return i.denied.note(err, i.app.recheck)
}

// now is what was last learned of the installation.
func (i *installation) now() grant {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.grant
}

func (i *installation) suspended() error {
	g := i.now()
	return &SetupError{g.String() + " is suspended", "unsuspend it at " + g.HTMLURL}
}

// allowList is what an organization's list of addresses does to those that are not on it.
// https://docs.github.com/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/managing-allowed-ip-addresses-for-your-organization
func (i *installation) allowList() error {
	return &SetupError{
		fmt.Sprintf("the IP allow list of %s does not have this host's address", i.now().owner()),
		"add it there, or to the App's own list and let the organization take over what its Apps list",
	}
}
