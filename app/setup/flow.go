package setup

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/app"
)

// flow is a registration under way. Its handlers run while wait waits.
type flow struct {
	setup         Setup
	settings, web string // pages of GitHub's
	host          string // what browsers must call us
	path          string // of the pages, with a random name
	form          string // the manifest
	pages         pages
	page          string      // file that leads to the first page
	earlier       *app.Stored // of an earlier setup, nil for none
	opened        sync.Once

	registered chan app.Stored
	failed     chan error
	seen       chan struct{} // closed when the last page was

	mu      sync.Mutex
	state   string // "" once used
	view    view
	stored  *app.Stored
	watched time.Time // when a page that waits was last looked at
	ended   bool
}

// address is the first page.
func (f *flow) address() string { return "http://" + f.host + f.path + "/" }

// begin shows the form that leads to GitHub.
func (f *flow) begin(c echo.Context) error {
	f.mu.Lock()
	v, last := f.view, f.ended
	switch {
	case v.Page != "":
	case f.state == "": // another request has brought GitHub's answer just now
		v = view{Page: "problem", Waits: true, Problem: app.SetupError{Problem: "GitHub's answer is being worked on", Remedy: "this takes a moment"}}
	default:
		v = view{Page: "register", Action: f.settings + "/new?state=" + f.state, Manifest: f.form, Owner: f.setup.Org}
	}
	if v.Waits {
		f.watched = time.Now()
	}
	f.mu.Unlock()
	err := f.render(c, http.StatusOK, v)
	if last {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.see()
	}
	return err
}

// see notes that the last page was seen. The lock is held.
func (f *flow) see() {
	select {
	case <-f.seen:
	default:
		close(f.seen)
	}
}

func (f *flow) show(v view) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view = v
}

// redeem takes the state that GitHub returns, once.
func (f *flow) redeem(given string) (used, right bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == "" {
		return true, false
	}
	right = subtle.ConstantTimeCompare([]byte(f.state), []byte(given)) == 1
	f.state = ""
	return false, right
}

// answered is where GitHub sends the browser with the code for the App's secrets.
func (f *flow) answered(c echo.Context) error {
	used, right := f.redeem(c.QueryParam("state"))
	switch code := c.QueryParam("code"); {
	case used:
		return f.render(c, http.StatusConflict, view{Page: "problem", Problem: app.SetupError{
			Problem: "This answer of GitHub's was used already",
			Remedy:  "nothing was done: go on with the page before",
		}, Back: f.path + "/"})
	case !right:
		return f.fail(c, http.StatusForbidden, &app.SetupError{
			Problem: "GitHub's answer does not belong to this setup (its state is another one)",
			Remedy:  "run kitops setup again, and use only the page that it opens; delete an App that was made meanwhile at " + f.settings,
		})
	case c.QueryParam("error") != "":
		return f.fail(c, http.StatusForbidden, &app.SetupError{
			Problem: "GitHub says that the registration was denied",
			Remedy:  "run kitops setup again as somebody who may register Apps for " + f.owner(),
		})
	case code == "":
		return f.fail(c, http.StatusBadRequest, &app.SetupError{
			Problem: "GitHub's answer holds no code", Remedy: "run kitops setup again",
		})
	default:
		// The code is good once: a browser that leaves must not waste it.
		stored, err := f.convert(context.WithoutCancel(c.Request().Context()), code)
		if err != nil {
			return f.fail(c, http.StatusBadGateway, err)
		}
		f.mu.Lock()
		f.stored = &stored
		f.view = view{Page: "install", App: stored, Waits: true}
		f.mu.Unlock()
		f.registered <- stored
		return c.Redirect(http.StatusSeeOther, f.path+"/")
	}
}

// convert trades the code for the App and stores it. When it cannot, the App at GitHub is of no use.
func (f *flow) convert(ctx context.Context, code string) (app.Stored, error) {
	registered, err := app.Convert(ctx, f.setup.APIURL, code, f.setup.Transport)
	if err != nil {
		problem := app.SetupError{Problem: "the App was registered, but its key could not be fetched (" + err.Error() + ")", Remedy: "run kitops setup again"}
		if known, ok := errors.AsType[*app.SetupError](err); ok {
			problem = *known
		}
		problem.Remedy += "; delete the App that was made at " + f.settings
		return app.Stored{}, &problem
	}
	if owner := registered.Owner; !f.asked(owner.Login, owner.Type) {
		return app.Stored{}, &app.SetupError{
			Problem: fmt.Sprintf("the App %q belongs to %s, not to %s", registered.Name, owner.Login, f.owner()),
			Remedy:  "it is not used: somebody else may have registered it; delete it if it is yours, and run kitops setup again",
		}
	}
	registered.With = f.setup.With
	stored, err := registered.Store(f.setup.Dir, f.setup.LoginURL != "")
	if err != nil {
		return app.Stored{}, &app.SetupError{
			Problem: fmt.Sprintf("the App %q was registered, but its key could not be stored (%v)", registered.Name, err),
			Remedy:  "fix that, delete the App at " + f.settings + ", and run kitops setup again",
		}
	}
	return stored, nil
}

// asked tells whether the App's owner is the one that was asked for: the organization, or any user.
func (f *flow) asked(login, kind string) bool {
	if f.setup.Org == "" {
		return kind != "Organization"
	}
	return strings.EqualFold(login, f.setup.Org)
}

// stop is the way out for those whom GitHub refused: it tells only them.
func (f *flow) stop(c echo.Context) error {
	if used, _ := f.redeem(""); used {
		return c.Redirect(http.StatusSeeOther, f.path+"/")
	}
	problem := &app.SetupError{Problem: "The registration was given up", Remedy: "run kitops setup again when you want to"}
	switch c.FormValue("why") {
	case "webhook":
		problem = &app.SetupError{
			Problem: "GitHub refused the address of the webhook",
			Remedy: "run kitops setup again with --webhook-url and an https address of your own: this GitHub takes only hosts that it can find, " +
				"and kitops' default is one that nobody can own, so that no stranger receives what it sends",
		}
	case "denied":
		problem = &app.SetupError{
			Problem: "You may not register Apps for " + f.owner(),
			Remedy:  "ask an owner to run kitops setup, or to let you manage all GitHub Apps; or correct --org",
		}
	}
	return f.fail(c, http.StatusOK, problem)
}

func (f *flow) owner() string {
	if f.setup.Org == "" {
		return "this account"
	}
	return f.setup.Org
}

// fail ends the setup with a page.
func (f *flow) fail(c echo.Context, status int, err error) error {
	v := problemView(err)
	f.show(v)
	f.failed <- err
	return f.render(c, status, v)
}

func problemView(err error) view {
	if e, ok := errors.AsType[*app.SetupError](err); ok {
		return view{Page: "problem", Problem: *e, Final: true}
	}
	return view{Page: "problem", Problem: app.SetupError{Problem: err.Error(), Remedy: "run kitops setup again"}, Final: true}
}

// interrupted says how to go on after Ctrl-C.
func (f *flow) interrupted() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stored == nil {
		return &app.SetupError{Problem: "stopped before an App was registered", Remedy: "run kitops setup again when you want to"}
	}
	return &app.SetupError{
		Problem: fmt.Sprintf("stopped before the App %q was installed; it is stored in %s", f.stored.Name, f.setup.Dir),
		Remedy:  "install it at " + f.stored.InstallURL() + "; kitops setup goes on from there when you run it again",
	}
}

// end lets a page that waits see how it ended.
func (f *flow) end(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil {
		err = f.interrupted()
	}
	f.mu.Lock()
	if err != nil {
		f.view = problemView(err)
	}
	f.ended = true
	watched := time.Since(f.watched) < linger
	f.mu.Unlock()
	if !watched {
		return
	}
	select {
	case <-f.seen:
	case <-time.After(linger):
	}
}
