package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-github/v60/github"
)

// User is the user name that goes with an installation token as password, for git over https.
const User = "x-access-token"

const (
	requestTimeout = 20 * time.Second
	program        = "kitops" // is what requests say they come from
)

// Options of an App. Log may be nil.
type Options struct {
	ID        string            // App ID or client ID
	Key       Key               // its private key
	APIURL    string            // https://api.github.com when empty; https://HOST/api/v3; https://api.TENANT.ghe.com
	Statuses  bool              // commit statuses are wanted
	Transport http.RoundTripper // nil: one of its own
	UserAgent string            // kitops when empty
	Log       *slog.Logger

	Owners     Owners             // what accounts were called before, as SaveOwners was told
	SaveOwners func(Owners) error // keeps them over restarts; called by one goroutine at a time; may be nil

	Timeout time.Duration // of one request; 20 s when 0
	Recheck time.Duration // how long a refusal is believed at first; 30 s when 0, doubled up to 15 minutes
	Lag     time.Duration // how long GitHub may not know everywhere what it made; 30 s when 0
}

// App is a GitHub App at work. Its methods may be used concurrently.
type App struct {
	id        string
	userAgent string
	address   address
	statuses  atomic.Bool // are wanted
	checks    atomic.Bool
	timeout   time.Duration
	recheck   time.Duration
	lag       lag
	log       *slog.Logger
	keys      *keyring
	clock     *clock
	http      *http.Client // for installations: it adds no credentials
	strangers *http.Client // without credentials, to the web host
	own       *line        // signs as the App
	anybody   *line        // without credentials
	answers   answers
	denied    denial // of the App itself
	listing   mutex  // guards catalog
	catalog   catalog
	owners    owners
	me        knownSelf
	wants     atomic.Pointer[map[string]string] // permissions beside the usual ones; nil: none

	mu            sync.Mutex
	repositories  map[string]*Repository   // by owner/name in lower case
	installations map[int64]*installation  // those in use
	explained     map[string]string        // owner in lower case → where to install the App
	stretched     map[string]time.Duration // owner in lower case → what Pace said last
}

// Remember adds what accounts were called before, where Options could not say so yet.
func (a *App) Remember(before Owners) { a.owners.remember(before) }

// New reads the key and asks GitHub nothing. Its errors are about the options.
func New(o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if strings.TrimSpace(o.ID) == "" || strings.ContainsAny(o.ID, " \t\r\n") {
		return nil, errors.New("no GitHub App named: give the App ID or the client ID of its settings page")
	}
	where, err := parseAddress(o.APIURL)
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring(o.Key, o.Log)
	if err != nil {
		return nil, err
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	a := &App{
		id: o.ID, userAgent: cmp.Or(o.UserAgent, program), address: where, log: o.Log, keys: keys, clock: &clock{log: o.Log},
		timeout: positive(o.Timeout, requestTimeout), recheck: positive(o.Recheck, firstDenial),
		lag:     lag(positive(o.Lag, time.Duration(usualLag))),
		listing: newMutex(), owners: owners{log: o.Log, save: o.SaveOwners, logins: maps.Clone(o.Owners)}, repositories: map[string]*Repository{}, installations: map[int64]*installation{},
		explained: map[string]string{}, stretched: map[string]time.Duration{},
	}
	a.statuses.Store(o.Statuses)
	out := &door{api: where.api, clock: a.clock, next: o.Transport}
	signed, err := newAppTransport(out, &signer{issuer: o.ID, keys: keys, clock: a.clock})
	if err != nil {
		return nil, err
	}
	a.http = &http.Client{Transport: out, CheckRedirect: out.checkRedirect}
	a.strangers = &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a.anybody = a.newLine(a.http, "requests without credentials")
	a.own = a.newLine(&http.Client{Transport: signed, CheckRedirect: out.checkRedirect}, "App "+o.ID)
	return a, nil
}

func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

func (a *App) newLine(c *http.Client, whose string) *line {
	client := github.NewClient(c)
	client.BaseURL = a.address.api
	client.UserAgent = a.userAgent
	return &line{
		client: client, timeout: a.timeout, answers: &a.answers,
		gate: &gate{whose: whose, log: a.log, recheck: a.recheck},
	}
}

// Covers finds owner and name in the address of a repository, written for https or ssh, when it is on the host that
// belongs to the API. Credentials in the address are ignored. It does not tell whether there is an installation.
func (a *App) Covers(repositoryURL string) (owner, name string, ok bool) {
	return a.address.repository(repositoryURL)
}

// CloneURL is where git finds a repository, over https.
func (a *App) CloneURL(owner, name string) string {
	return a.address.web + "/" + owner + "/" + name + ".git"
}

// Repository returns the one handle for a repository; case does not matter. It asks GitHub nothing.
func (a *App) Repository(owner, name string) *Repository {
	key := strings.ToLower(owner + "/" + name)
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.repositories[key]
	if r == nil {
		r = &Repository{app: a, owner: owner, name: name, looking: newMutex(), pulls: pulls{looking: newMutex()}}
		a.repositories[key] = r
	}
	return r
}

// do calls as the App. A 401 is tried once more: by then the clock is set by GitHub's Date and the key file is read again.
func (a *App) do(ctx context.Context, c call) (answer, error) {
	if err := a.denied.standing(); err != nil && !a.keys.changed() {
		return answer{}, err
	}
	ans, err := a.own.do(ctx, c)
	if status, _ := answered(err); status == http.StatusUnauthorized {
		a.keys.reload()
		ans, err = a.own.do(ctx, c)
	}
	if problem := a.explain(err); problem != nil {
		a.own.gate.dismiss(problem)
		return ans, a.denied.note(problem, a.recheck)
	}
	if status, _ := answered(err); err == nil || status != 0 {
		a.denied.clear()
	}
	return ans, err
}

// explain is what is wrong with the App itself, or nil.
func (a *App) explain(err error) error {
	status, message := answered(err)
	switch {
	case status == http.StatusNotFound && strings.Contains(message, "Integration not found"):
		return &SetupError{
			fmt.Sprintf("GitHub knows no App %s", a.id),
			"it was deleted, or the ID is wrong: use the App ID or the client ID of its settings page on " + a.address.web,
		}
	case status != http.StatusUnauthorized:
		return nil
	case strings.Contains(message, "'iat'"), strings.Contains(message, "'exp'"), strings.Contains(message, "xpiration"):
		return &SetupError{
			fmt.Sprintf("GitHub refuses the time of App %s's signature (this host's clock is %d s off GitHub's)",
				a.id, int64(a.clock.skew().Abs()/time.Second)),
			"set up time synchronisation on this host",
		}
	case strings.Contains(message, "'iss'"):
		return &SetupError{
			fmt.Sprintf("this GitHub does not know an App by its client ID, %s (%s)", a.id, message),
			"give its App ID, the number on its settings page: an older Enterprise Server takes nothing else",
		}
	case strings.Contains(message, "could not be decoded"), strings.Contains(message, "public key"):
		return &SetupError{
			fmt.Sprintf("the private key (%s) does not belong to App %s", a.keys.where, a.id),
			"make a new one on the App's settings page and give that, or correct the App's ID",
		}
	}
	return &SetupError{
		fmt.Sprintf("GitHub refuses the credentials of App %s (%s)", a.id, message),
		"compare the App's ID and private key with its settings page",
	}
}
