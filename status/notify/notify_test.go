package notify

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

const (
	token   = "a-token-that-nobody-may-see"
	hostile = "<!channel> @everyone [x](https://evil.example) <https://evil.example|y> *b*\n\x1b[31mred"
)

// service is a stand-in of one.
type service struct {
	*httptest.Server
	mu      sync.Mutex
	answers []func(http.ResponseWriter) // then 200
	all     []asked
}

func (s *service) asked() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

type asked struct {
	method, path string
	header       http.Header
	body         string
}

func newService(t *testing.T, answers ...func(http.ResponseWriter)) *service {
	t.Helper()
	s := &service{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.all = append(s.all, asked{r.Method, r.URL.EscapedPath(), r.Header, string(body)})
		answer := func(http.ResponseWriter) {}
		if len(s.answers) > 0 {
			answer, s.answers = s.answers[0], s.answers[1:]
		}
		s.mu.Unlock()
		answer(w)
	}))
	t.Cleanup(s.Close)
	return s
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func failed(task, reason string) poller.Report {
	now := time.Now()
	return poller.Report{
		Run: poller.Run{
			ID: "run-" + task, Task: task, Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("a1b2c3d", 6)[:40]},
			Attempt: 1, Outcome: poller.Failure, Action: "deploy", Reason: reason, Started: now.Add(-time.Minute), Finished: now,
		},
		Change: poller.Failed, Since: now, Broken: strings.Repeat("a", 40),
	}
}

func sender(t *testing.T, all ...Target) (*Sender, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	return &Sender{
		Find: func(_, to string) (Target, bool) {
			for _, target := range all {
				if target.To() == to {
					return target, true
				}
			}
			return Target{}, false
		},
		Page:   func(r poller.Run) string { return "https://kitops.example.com/runs/" + r.ID },
		Member: "build-1",
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
	}, &log
}

// field is a field of a JSON body, by its path.
func field(t *testing.T, body string, path ...string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, name := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			value = v[0]
		}
	}
	return fmt.Sprint(value)
}

// TestServices: each gets what it takes, and hostile text pings nobody and links nowhere.
func TestServices(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		target func(address string) Target
		method string
		path   string
		header string
		text   func(body string) string
		never  []string
	}{
		"slack": {
			func(u string) Target { return Target{URLFile: file(t, u+"/services/"+token)} }, "POST", "/services/" + token, "",
			func(b string) string { return field(t, b, "text") },
			[]string{"<!channel>", "<https"},
		},
		"teams": {
			func(u string) Target { return Target{URLFile: file(t, u+"/workflows/"+token)} }, "POST", "/workflows/" + token, "",
			func(b string) string { return field(t, b, "attachments", "", "content", "body", "", "text") },
			[]string{"[x](https", "*b*"},
		},
		"discord": {
			func(u string) Target { return Target{URLFile: file(t, u+"/api/webhooks/"+token)} }, "POST", "/api/webhooks/" + token, "",
			func(b string) string {
				if got := field(t, b, "allowed_mentions"); got != "map[parse:[]]" {
					t.Errorf("discord may mention: %s", got)
				}
				return field(t, b, "content")
			},
			[]string{"[x](https", " @everyone", " <https"},
		},
		"webhook": {
			func(u string) Target { return Target{URLFile: file(t, u+"/hook"), SecretFile: file(t, "key")} }, "POST", "/hook", "X-Kitops-Signature-256",
			func(b string) string {
				if got := field(t, b, "run", "outcome") + " " + field(t, b, "change") + " " + field(t, b, "task_url"); got != "failure failure https://kitops.example.com/runs/run-shop" {
					t.Error(got)
				}
				if field(t, b, "run", "ended") == "<nil>" || field(t, b, "run", "previous") != "<nil>" {
					t.Error(b)
				}
				return field(t, b, "text")
			}, nil,
		},
		"ntfy": {
			func(u string) Target { return Target{URL: u + "/topic", TokenFile: file(t, token)} }, "POST", "/topic", "Authorization",
			func(b string) string { return b }, nil,
		},
		"gotify": {
			func(u string) Target { return Target{URL: u + "/sub", TokenFile: file(t, token)} }, "POST", "/sub/message", "X-Gotify-Key",
			func(b string) string { return field(t, b, "message") }, nil,
		},
		"matrix": {
			func(u string) Target { return Target{Server: u, Room: "!room:example.com", TokenFile: file(t, token)} }, "PUT", "/_matrix/client/v3/rooms/%21room:example.com/send/m.room.message/", "Authorization",
			func(b string) string {
				if got := field(t, b, "m.mentions"); got != "map[]" {
					t.Errorf("matrix may mention: %s", got)
				}
				return field(t, b, "body")
			}, nil,
		},
	} {
		s := newService(t)
		target := test.target(s.URL)
		target.Kind = kind
		if err := target.Check(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		r := failed("shop", hostile)
		r.To = target.To()
		n, log := sender(t, target)
		if err := n.Report(t.Context(), r); err != nil || len(s.asked()) != 1 {
			t.Errorf("%s: %v, asked %d times: %s", kind, err, len(s.asked()), log)
			continue
		}
		got := s.asked()[0]
		if got.method != test.method || !strings.HasPrefix(got.path, test.path) || test.header != "" && got.header.Get(test.header) == "" {
			t.Errorf("%s: %s %s %v", kind, got.method, got.path, got.header)
		}
		text := test.text(got.body)
		if plain := strings.ReplaceAll(text, `\`, ""); !strings.Contains(plain, "shop (main at a1b2c3d) failed: deploy: ") || strings.Contains(text, "\x1b") {
			t.Errorf("%s: %q", kind, text)
		}
		for _, never := range test.never {
			if strings.Contains(text, never) {
				t.Errorf("%s: %q is in %q", kind, never, text)
			}
		}
		if strings.Contains(target.String()+target.To()+log.String(), token) {
			t.Errorf("%s shows its token: %s %s", kind, target, log)
		}
	}
}

func answer(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// TestAnswers: what may pass is tried again, what is final is told once, and no error has the token.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer  func(http.ResponseWriter)
		again   bool
		message string
	}{
		"outage":   {answer(503), true, "Service Unavailable"},
		"unknown":  {answer(404), false, "404 Not Found"},
		"redirect": {answer(302, "Location", "/elsewhere/"+token), false, "302 Found"},
		"too many": {answer(429, "Retry-After", "0.2"), true, "too many messages"},
		"cut off":  {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true, "EOF"},
	} {
		s := newService(t, test.answer)
		target := Target{Kind: "webhook", URLFile: file(t, s.URL+"/services/"+token)}
		n, log := sender(t, target)
		r := failed("shop", "exit status 3")
		r.To = target.To()
		err := n.Report(t.Context(), r)
		said := fmt.Sprint(err) + log.String()
		if (err != nil) != test.again || !strings.Contains(said, test.message) || strings.Contains(said, token) || len(s.asked()) != 1 {
			t.Errorf("%s: %v, log %s, asked %d", name, err, log, len(s.asked()))
		}
		for deadline := time.Now().Add(time.Minute); test.again && err != nil && time.Now().Before(deadline); {
			err = n.Report(t.Context(), r)
		}
		if test.again && (err != nil || len(s.asked()) != 2) {
			t.Errorf("%s: then %v, asked %d", name, err, len(s.asked()))
		}
	}
	target := Target{Kind: "slack", URLFile: file(t, "http://127.0.0.1:1/"+token)}
	n, _ := sender(t, target)
	r := failed("shop", "x")
	r.To = target.To()
	if err := n.Report(t.Context(), r); err == nil || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "slack at 127.0.0.1:1: dial tcp") {
		t.Error(err)
	}
}

// TestDeliveriesAreCounted: what arrived and what did not can be seen, and a run that goes on has no end.
func TestDeliveriesAreCounted(t *testing.T) {
	t.Parallel()
	s := newService(t, answer(503), answer(404), answer(200))
	target := Target{Kind: "webhook", URLFile: file(t, s.URL+"/services/"+token)}
	n, _ := sender(t, target)
	started := failed("shop", "")
	started.To, started.Change, started.Run.Outcome, started.Run.Finished = target.To(), poller.Begun, poller.Pending, time.Time{}
	for range 3 {
		_ = n.Report(t.Context(), started)
	}
	all := n.Deliveries()
	if len(all) != 1 || all[0].Sent != 1 || all[0].Refused != 1 || all[0].Failed != 1 || all[0].Failing() || !strings.Contains(all[0].Error, "404") {
		t.Errorf("%+v", all)
	}
	if strings.Contains(fmt.Sprint(all), token) || field(t, s.asked()[2].body, "run", "ended") != "<nil>" || field(t, s.asked()[2].body, "run", "outcome") != "running" {
		t.Errorf("%+v %s", all, s.asked()[2].body)
	}
	late := failed("shop", "pausing until 14:02")
	late.To, late.Change, late.At = target.To(), poller.Late, time.Now()
	late.Since = late.At.Add(-2 * time.Hour)
	late.Run.Finished = time.Now().Add(-48 * time.Hour) // which is no old news
	if err := n.Report(t.Context(), late); err != nil || len(s.asked()) != 4 || field(t, s.asked()[3].body, "text") != "shop (main at a1b2c3d) should have been applied 2 h 0 min ago: pausing until 14:02" {
		t.Error(err, s.asked())
	}
}

func TestTelegramMentionsNobody(t *testing.T) {
	t.Parallel()
	r, err := Target{Kind: "telegram", Chat: "1", TokenFile: file(t, token)}.request(t.Context(), message{text: "branch @everyone"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if got := field(t, string(body), "text"); err != nil || strings.Contains(got, "@e") || !strings.Contains(got, "everyone") {
		t.Errorf("%q, %v", got, err)
	}
}
