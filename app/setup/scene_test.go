package setup_test

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/app/setup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute // only ever used up by a failing test

// scene is a setup under way, and a browser without a screen.
type scene struct {
	*apptest.GitHub
	t       *testing.T
	dir     string
	address string // the first page
	browser *http.Client
	cancel  context.CancelFunc
	ended   chan error

	mu   sync.Mutex
	told []string // by callbacks
	seen []string // every answer of the setup
}

func newScene(t *testing.T, o apptest.Options, change ...func(*setup.Setup)) *scene {
	t.Helper()
	transport := &http.Transport{}
	s := &scene{
		GitHub: apptest.New(t, o), t: t, dir: filepath.Join(t.TempDir(), "kitops"), ended: make(chan error, 1),
		browser: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	s.AddUser("mona")
	s.AddOrg("acme")
	s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	t.Cleanup(transport.CloseIdleConnections)
	s.start(change...)
	return s
}

// start runs a setup, which may be another one of the same folder.
func (s *scene) start(change ...func(*setup.Setup)) {
	s.t.Helper()
	opened := make(chan string, 1)
	away := &http.Transport{}
	process := setup.Setup{
		Org: "acme", Dir: s.dir, APIURL: s.APIURL, Listen: "127.0.0.1:0", Every: time.Millisecond, Transport: away,
		Opened:     func(address, _ string) { opened <- address },
		Resumed:    func(stored app.Stored) { s.tell("resumed " + stored.Name) },
		Registered: func(stored app.Stored) { s.tell("registered " + stored.Name) },
		Trouble:    func(err error) { s.tell("trouble " + err.Error()) },
		Installed: func(_ app.Stored, reaches []app.Reach) (setup.Instructions, error) {
			s.tell("installed on " + reaches[0].Account)
			return setup.Instructions{Command: "kitops --config-file 'it <is>'", TaskFile: "tasks:", Path: "/p"}, nil
		},
	}
	for _, f := range change {
		f(&process)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	s.cancel = cancel
	go func() { s.ended <- process.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		away.CloseIdleConnections()
	})
	select {
	case s.address = <-opened:
	case err := <-s.ended:
		s.ended <- err
	case <-time.After(patience):
		s.t.Fatal("setup neither starts nor ends")
	}
}

func (s *scene) tell(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, text)
}

func (s *scene) hears(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.told, func(told string) bool { return strings.Contains(told, text) })
}

type reply struct {
	status int
	header http.Header
	body   string
}

// request asks as a browser does. Answers of the setup are kept.
func (s *scene) request(method, address string, form url.Values, change ...func(*http.Request)) reply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(req)
	}
	resp, err := s.browser.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	r := reply{resp.StatusCode, resp.Header, string(body)}
	if !strings.HasPrefix(address, s.URL) {
		s.seen = append(s.seen, r.header.Get("Location")+r.body)
	}
	return r
}

func (s *scene) get(address string) reply { s.t.Helper(); return s.request("GET", address, nil) }

// form finds the fields and the target of the first form of a page.
func form(t *testing.T, page string) (action string, fields url.Values) {
	t.Helper()
	fields = url.Values{}
	for _, m := range regexp.MustCompile(`<input [^>]*name="?(\w+)"? value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	m := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no form:\n%s", page)
	}
	return html.UnescapeString(m[1]), fields
}

// answer goes through GitHub's form and returns where GitHub then sends the browser.
func (s *scene) answer() string {
	s.t.Helper()
	action, fields := form(s.t, s.get(s.address).body)
	if !strings.HasPrefix(action, s.URL+"/organizations/acme/settings/apps/new?state=") {
		s.t.Fatalf("the form leads to %s", action)
	}
	review := s.request("POST", action, fields)
	action, fields = form(s.t, review.body)
	done := s.request("POST", s.URL+action, fields)
	if done.status != http.StatusFound {
		s.t.Fatalf("%+v", done)
	}
	return done.header.Get("Location")
}

func (s *scene) install(only ...string) {
	s.t.Helper()
	r := s.request("POST", s.URL+"/apps/kitops-acme/installations", url.Values{"account": {"acme"}, "repository": only})
	if r.status != http.StatusOK {
		s.t.Fatalf("%+v", r)
	}
}

// result waits for the end of the setup.
func (s *scene) result() error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(patience):
		s.t.Fatal("setup does not end")
		return nil
	}
}

// fails waits for the end and wants it to say what the page said.
func (s *scene) fails(page reply, status int, words ...string) {
	s.t.Helper()
	if page.status != status {
		s.t.Errorf("page has status %d, want %d", page.status, status)
	}
	err := s.result()
	if _, ok := errors.AsType[*app.SetupError](err); !ok {
		s.t.Fatalf("%T: %v", err, err)
	}
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page.body, ""))
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.t.Errorf("the page does not say %q:\n%s", w, text)
		}
		if !strings.Contains(err.Error(), w) {
			s.t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}
