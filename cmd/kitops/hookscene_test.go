//go:build unix

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

const hookSecret = "a webhook secret of 36 characters ok"

// watchShop is a task that looks by itself once an hour: what happens sooner is due to a nudge.
const watchShop = `
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main}
    interval: 1h
    actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
`

// hookScene is a scene whose App has a webhook. What GitHub delivers comes to a gate, which passes it on to kitops once it is
// open, and keeps it for who wants to tamper with it.
type hookScene struct {
	*scene
	gate  *gate
	agent *watcher
}

func newHookScene(t *testing.T) *hookScene {
	t.Helper()
	return hooked(t, newScene(t, apptest.Options{}))
}

func hooked(t *testing.T, of *scene) *hookScene {
	t.Helper()
	s := &hookScene{scene: of, gate: &gate{client: &http.Client{Transport: &http.Transport{}}}}
	server := httptest.NewServer(s.gate)
	t.Cleanup(func() { s.gate.client.CloseIdleConnections(); server.Close() })
	s.app = s.RegisterApp("acme", "Hooked", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}, Events: []string{"push"},
		HookURL: server.URL + "/webhook", WebhookSecret: hookSecret, Public: true,
	})
	s.installation.Uninstall()
	s.installation = s.app.Install("acme", nil)
	s.write("key.pem", string(s.app.PrivateKey()))
	t.Cleanup(func() { s.findWords(hookSecret) })
	return s
}

// findWords fails the test if kitops wrote what it must keep to itself.
func (s *hookScene) findWords(secret string) {
	for _, name := range []string{"agent.log", "out.log", "state.yaml"} {
		if strings.Contains(s.read(name), secret) {
			s.t.Errorf("%s holds %q", name, secret)
		}
	}
}

// listening are the flags for an endpoint, on a port that the system chooses.
func (s *hookScene) listening() []string {
	return []string{"--listen", "127.0.0.1:0", "--webhook-secret-file", s.write("hook.secret", hookSecret+"\n"), "--deliveries-interval", "0"}
}

// serve runs kitops with these flags and opens the gate to it.
func (s *hookScene) serve(args ...string) {
	s.t.Helper()
	s.agent = s.start(args...)
	s.gate.open(s.address())
}

// address is where the agent says that it listens.
func (s *hookScene) address() string {
	s.t.Helper()
	s.agent.says(`address=127\.0\.0\.1:\d+`, 1)
	found := regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`).FindAllStringSubmatch(s.read("agent.log"), -1)
	return found[len(found)-1][1]
}

// serveShop watches acme/shop, and returns once the first commit has been run and the task rests.
func (s *hookScene) serveShop(args ...string) {
	s.t.Helper()
	s.serve(slices.Concat(s.tasks(watchShop), args)...)
	s.awaitStatus(s.first, "success")
}

// push commits to main and tells kitops.
func (s *hookScene) push() (string, apptest.Delivery) {
	s.t.Helper()
	before := s.shop.Head("main")
	sha := s.shop.Push("main", nil)
	return sha, s.app.Deliver(s.t.Context(), s.shop.PushEvent("refs/heads/main", before, sha))
}

// installed is an event about the App's installation on acme.
func (s *hookScene) installed(name, action string) apptest.Event {
	return apptest.Event{Name: name, Action: action, Payload: map[string]any{"installation": map[string]any{
		"id": s.installation.ID, "account": map[string]any{"login": "acme", "html_url": s.URL + "/acme"},
	}}}
}

func (s *hookScene) wantStatus(d apptest.Delivery, want int) {
	s.t.Helper()
	if d.StatusCode != want {
		s.t.Errorf("%s %s was answered %d %s, want %d\n%s", d.Event, d.Action, d.StatusCode, d.Status, want, s.story())
	}
}

// looks is how often kitops has looked at main.
func (s *hookScene) looks() int { return s.Count(looksAtMain) }

// gate is where GitHub delivers to.
type gate struct {
	client *http.Client

	mu      sync.Mutex
	address string   // of kitops; empty: closed
	last    *capture // what came
}

// capture is a request as it came.
type capture struct {
	header http.Header
	body   []byte
}

func (g *gate) open(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.address = address
}

func (g *gate) captured() capture {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *g.last
}

func (g *gate) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	g.mu.Lock()
	address := g.address
	g.last = &capture{r.Header.Clone(), body}
	g.mu.Unlock()
	if err != nil || address == "" {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	status, answer, err := g.captured().send(g.client, http.MethodPost, "http://"+address+"/webhook")
	if err != nil {
		status = http.StatusBadGateway
	}
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, answer)
}

func (c capture) send(client *http.Client, method, url string) (status int, answer string, err error) {
	req, err := http.NewRequest(method, url, bytes.NewReader(c.body))
	if err != nil {
		return 0, "", err
	}
	req.Header = c.header.Clone()
	req.Header.Del("Content-Length")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// signed is the capture with another body, signed with a secret.
func (c capture) signed(secret string, body []byte) capture {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return capture{body: body, header: c.header.Clone()}.with("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

// with is the capture with another header; an empty value takes it away.
func (c capture) with(name, value string) capture {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	if value == "" {
		c.header.Del(name)
	}
	return c
}

// post sends a capture to kitops.
func (s *hookScene) post(c capture) int {
	s.t.Helper()
	status, answer, err := c.send(s.gate.client, http.MethodPost, "http://"+s.gate.address+"/webhook")
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.Contains(answer, hookSecret) || regexp.MustCompile(`[0-9a-f]{64}`).MatchString(answer) {
		s.t.Errorf("the answer gives something away: %s", answer)
	}
	return status
}

// health is what kitops tells of itself.
type health struct {
	Status                        string
	Tasks, Waiting, Late, Failing int
	Details                       []struct{ Name, Problem string }
}

func (s *hookScene) ask(path string, header ...string) (int, health) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.gate.address+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.gate.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var h health
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode, h
}

// rewrite replaces a file as an editor does: what reads it meanwhile sees the old or the new one.
func (s *hookScene) rewrite(name, content string) {
	s.t.Helper()
	if err := os.Rename(s.write(name+".new", content), s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}
