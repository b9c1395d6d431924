package apptest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"
	"go.uber.org/goleak"

	"github.com/bittrance/kitops/app/apptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is what most tests need: the private repository acme/shop with one commit, and an App installed on acme.
type scene struct {
	*apptest.GitHub
	t            *testing.T
	shop         *apptest.Repository
	sha          string
	app          *apptest.App
	installation *apptest.Installation
	transport    *http.Transport
}

func newScene(t *testing.T, o apptest.Options) *scene {
	t.Helper()
	s := &scene{GitHub: apptest.New(t, o), t: t, transport: newTransport(t)}
	s.AddOrg("acme")
	s.AddUser("mona")
	s.shop = s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	s.sha = s.shop.Push("main", map[string]string{"README.md": "# Shop\n"})
	s.app = s.RegisterApp("acme", "Kit Ops", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}, Events: []string{"push"}, WebhookSecret: "hush",
	})
	s.installation = s.app.Install("acme", nil)
	return s
}

func newTransport(t *testing.T) *http.Transport {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// asApp is a client that signs as the App.
func (s *scene) asApp() *github.Client {
	s.t.Helper()
	tr, err := ghinstallation.NewAppsTransport(s.transport, s.app.ID, s.app.PrivateKey())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.client(tr)
}

// asInstallation is a client as kitops will use it: ghinstallation gets the tokens.
func (s *scene) asInstallation(o *github.InstallationTokenOptions) *github.Client {
	s.t.Helper()
	if o == nil {
		o = &github.InstallationTokenOptions{}
	}
	tr, err := ghinstallation.New(s.transport, s.app.ID, s.installation.ID, s.app.PrivateKey())
	if err != nil {
		s.t.Fatal(err)
	}
	tr.BaseURL = s.APIURL
	tr.InstallationTokenOptions = o
	return s.client(tr)
}

func (s *scene) withToken(token string) *github.Client {
	return s.client(s.transport).WithAuthToken(token)
}

func (s *scene) client(tr http.RoundTripper) *github.Client {
	s.t.Helper()
	client, err := github.NewClient(&http.Client{Transport: tr}).WithEnterpriseURLs(s.URL, s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	client.BaseURL, err = client.BaseURL.Parse(s.APIURL + "/")
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// ask makes a request by hand: for what go-github would not send, and to see answers bare.
func (s *scene) ask(method, path, credentials, body string, header ...string) reply {
	s.t.Helper()
	if !strings.Contains(path, "://") {
		path = s.APIURL + path
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if credentials != "" {
		req.Header.Set("Authorization", "Bearer "+credentials)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(data), err: err}
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// want fails the test unless the answer has this status and its message contains the words.
func (r reply) want(t *testing.T, status int, words string) {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if r.status != status || !strings.Contains(r.body, words) {
		t.Errorf("got %d %.300s, want %d %q", r.status, r.body, status, words)
	}
}

func status(err error) int {
	if e, ok := err.(*github.ErrorResponse); ok { //nolint:errorlint // go-github returns it bare
		return e.Response.StatusCode
	}
	return 0
}

func ptr[T any](v T) *T { return &v }
