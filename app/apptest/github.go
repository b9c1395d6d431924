package apptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Options of a GitHub. The zero value is github.com over plain http with its documented limits.
type Options struct {
	Enterprise         bool   // the layout of Enterprise Server: REST under /api/v3
	TLS                bool   // https with a certificate signed by the CA of GitHub.CA
	Addr               string // where to listen; 127.0.0.1 with any free port when empty
	Dir                string // where repositories are kept; a temporary directory, removed by Close, when empty
	LongTokens         bool   // installation tokens of about 520 characters instead of 40
	RateLimit          int    // requests an hour for each App and installation; 0: what GitHub documents
	AnonymousRateLimit int    // requests an hour for each address; 0: 60
	SecondaryLimits    bool   // enforce 900 points and 80 content-creating requests a minute
	PagedRefs          bool   // matching refs come by pages, as from an older Enterprise Server; else all at once
	Lag                Lag    // for how long what is made is unknown
	Runners            RunnerOptions
	Unchecked          bool // do not hold requests and answers against the description (benchmarks, deliberate nonsense)
}

// GitHub is a running stand-in.
type GitHub struct {
	URL    string // of the web pages and of git: http://127.0.0.1:40001
	APIURL string // of the REST API: URL itself, or URL/api/v3
	CA     []byte // PEM of the certificate authority to trust; nil without TLS

	options  Options
	dir      string
	ownsDir  bool
	git      string // path of the git program
	fail     func(error)
	server   *http.Server
	api, web http.Handler
	runners  http.Handler // the service for them
	spec     *description // nil when unchecked
	skew     atomic.Int64
	aged     atomic.Int64   // by how much what was made is older than it is
	keys     atomic.Int64   // given to Apps
	handlers sync.WaitGroup // requests being answered, and deliveries under way
	hooks    *http.Client
	raws     raws

	mu            sync.Mutex // guards all that follows, and the fields of accounts, Apps, repositories and so on
	closed        bool
	changed       chan struct{} // closed and replaced at every change
	lastID        int64
	accounts      map[string]*Account // by login in lower case
	apps          []*App
	installations []*Installation
	repositories  map[int64]*Repository
	names         map[string]int64 // owner/name in lower case → repository
	moved         map[string]int64 // names given up by a rename or transfer
	tokens        map[string]*token
	conversions   map[string]conversion
	userTokens    map[string]*userToken
	logins        map[string]login
	webFlow       *webFlow // nil: made when it is needed
	visitor       *Account // who is signed in; nil: the first user
	budgets       map[string]*budget
	requests      []*Request
	faults        []*Fault
	violations    []string

	scaleSets     []*ScaleSet
	registrations map[string]string     // registration tokens → scope
	adminTokens   map[string]string     // tokens of the service for runners → scope
	configs       map[string]configured // single-use configurations of runners
}

// New starts a GitHub that lives as long as the test, and fails it for violations of the description.
func New(tb testing.TB, o Options) *GitHub {
	tb.Helper()
	g, err := Start(o)
	if err != nil {
		tb.Fatal(err)
	}
	g.fail = func(err error) {
		tb.Helper()
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := g.Close(); err != nil {
			tb.Error(err)
		}
		for _, v := range g.Violations() {
			tb.Errorf("against GitHub's description: %s", v)
		}
	})
	return g
}

// Start starts a GitHub that runs until Close.
func Start(o Options) (*GitHub, error) {
	g := &GitHub{
		options:      o,
		dir:          o.Dir,
		fail:         func(err error) { panic(err) },
		hooks:        newHookClient(),
		changed:      make(chan struct{}),
		lastID:       1000,
		accounts:     map[string]*Account{},
		repositories: map[int64]*Repository{},
		names:        map[string]int64{},
		moved:        map[string]int64{},
		tokens:       map[string]*token{},
		conversions:  map[string]conversion{},
		userTokens:   map[string]*userToken{},
		logins:       map[string]login{},
		budgets:      map[string]*budget{},

		registrations: map[string]string{}, adminTokens: map[string]string{}, configs: map[string]configured{},
	}
	g.api, g.web, g.runners = g.apiRoutes(), g.webRoutes(), g.serviceRoutes()
	if err := g.prepare(); err != nil {
		return nil, errors.Join(err, g.removeDir())
	}
	listener, err := g.listen()
	if err != nil {
		return nil, errors.Join(err, g.removeDir())
	}
	g.server = &http.Server{Handler: http.HandlerFunc(g.serve), ReadHeaderTimeout: time.Minute}
	g.handlers.Go(func() { _ = g.server.Serve(listener) })
	return g, nil
}

// prepare finds git, reads the description and makes the directory of the repositories.
func (g *GitHub) prepare() (err error) {
	if !g.options.Unchecked {
		if g.spec, err = readDescription(); err != nil {
			return err
		}
	}
	if g.dir == "" {
		g.ownsDir = true
		if g.dir, err = os.MkdirTemp("", "apptest-"); err != nil {
			return err
		}
	}
	g.git, err = findGit()
	return err
}

func (g *GitHub) listen() (net.Listener, error) {
	addr := g.options.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	g.URL = "http://" + listener.Addr().String()
	if g.options.TLS {
		g.URL = "https://" + listener.Addr().String()
		if listener, g.CA, err = secure(listener); err != nil {
			return nil, err
		}
	}
	g.APIURL = g.URL
	if g.options.Enterprise {
		g.APIURL += "/api/v3"
	}
	return listener, nil
}

// Close cuts all connections, waits for the handlers and removes the temporary directory. It may be called again.
func (g *GitHub) Close() error {
	g.mu.Lock()
	g.closed = true
	faults := g.faults
	g.mu.Unlock()
	err := g.server.Close() // first, so that what hangs is cut, not answered
	for _, f := range faults {
		f.Lift()
	}
	g.handlers.Wait()
	g.hooks.CloseIdleConnections()
	return errors.Join(err, g.removeDir())
}

func (g *GitHub) removeDir() error {
	if !g.ownsDir || g.dir == "" {
		return nil
	}
	return os.RemoveAll(g.dir)
}

// Now is GitHub's clock: the one in Date headers, the one JWTs and tokens are measured by.
func (g *GitHub) Now() time.Time { return time.Now().Add(time.Duration(g.skew.Load())) }

// Advance moves GitHub's clock against the real one, backwards when d is negative. What was made ages with it, but gets no younger.
func (g *GitHub) Advance(d time.Duration) {
	g.skew.Add(int64(d))
	g.aged.Add(int64(max(0, d)))
}

// Await returns once cond holds. It asks at once and after every change: a request that came or was answered, a status, a push.
// It returns the context's error when that ends first. cond is called without locks held.
func (g *GitHub) Await(ctx context.Context, cond func() bool) error {
	for {
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Violations are the requests and answers so far that go against GitHub's description.
func (g *GitHub) Violations() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.violations...)
}

// change runs f under the lock and wakes who awaits; f's error fails the test.
func (g *GitHub) change(f func() error) {
	g.mu.Lock()
	err := f()
	g.wake()
	g.mu.Unlock()
	if err != nil {
		g.fail(fmt.Errorf("apptest: %w", err))
	}
}

func (g *GitHub) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *GitHub) nextID() int64 {
	g.lastID++
	return g.lastID
}

// lookup finds a repository by name, in any case, as GitHub does.
func (g *GitHub) lookup(owner, name string) *Repository {
	return g.repositories[g.names[key(owner, name)]]
}

func key(owner, name string) string { return strings.ToLower(owner + "/" + name) }
