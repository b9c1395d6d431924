package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
		Login string `json:"login"`
	} `json:"account"`
	Permissions map[string]string `json:"permissions"`
	SuspendedAt *time.Time        `json:"suspended_at"`
}

func (g grant) allows(permission, level string) bool {
	rank := map[string]int{"read": 1, "write": 2, "admin": 3}
	return rank[level] > 0 && rank[g.Permissions[permission]] >= rank[level]
}

func (g grant) String() string { return "the App's installation on " + g.Account.Login }

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
	off := i.app.statuses && !g.allows("statuses", "write")
	switch {
	case off && !i.mute:
		i.app.log.Warn("no commit statuses: the GitHub App lacks a permission",
			"permission", "statuses:write", "account", g.Account.Login, "remedy", i.lacks("statuses", "write").Remedy)
	case !off && i.mute:
		i.app.log.Info("commit statuses are on: the GitHub App was granted the permission", "account", g.Account.Login)
	}
	i.mute = off
}

// wanted are the least permissions that do.
func (a *App) wanted() map[string]string {
	wanted := map[string]string{"contents": "read", "metadata": "read"}
	if a.statuses {
		wanted["statuses"] = "write"
	}
	return wanted
}

// usable is wanted ∩ granted: a token asked for with more is refused altogether.
func (i *installation) usable() map[string]string {
	wanted := i.app.wanted()
	maps.DeleteFunc(wanted, func(permission, level string) bool { return !i.grant.allows(permission, level) })
	return wanted
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

// do makes a call with the installation's token. A 401 is answered with a new token, once.
func (i *installation) do(ctx context.Context, c call) (answer, error) {
	for try := 0; ; try++ {
		secret, err := i.secret(ctx)
		if err != nil {
			return answer{}, err
		}
		c.token = secret
		a, err := i.line.do(ctx, c)
		status, message := answered(err)
		switch {
		case suspended(err):
			i.drop(secret)
			return a, i.deny(i.suspended())
		case status != http.StatusUnauthorized:
			return a, err
		case try > 0:
			return a, i.deny(&SetupError{
				fmt.Sprintf("GitHub refuses even a fresh token of %s (%s)", i.now(), message),
				"see the installation's settings page, " + i.now().HTMLURL,
			})
		}
		i.drop(secret)
	}
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
