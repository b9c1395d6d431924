package github_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/status/github"
)

// forgetful is a wire that says of check runs it has confirmed what it is told to say.
type forgetful struct {
	*busyWire
	code  int
	body  string
	asked []time.Time
}

func (w *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.busyWire.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/check-runs/") {
		w.mu.Lock()
		w.asked = append(w.asked, time.Now())
		w.mu.Unlock()
		answer.StatusCode, answer.Body = w.code, io.NopCloser(strings.NewReader(w.body))
	}
	return answer, err
}

// TestTheEndOfACheckRunIsReadBack once, after half a minute: GitHub has confirmed check runs that never were, whose required
// name blocked a merge for ever.
func TestTheEndOfACheckRunIsReadBack(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	for name, c := range map[string]struct {
		code        int
		body        string
		anew, ended int // how often it is made anew, and its end told
	}{
		"kept":        {http.StatusOK, `{"id":1,"status":"completed","conclusion":"success"}`, 0, 1},
		"lost":        {http.StatusNotFound, `{"message":"Not Found"}`, 1, 1},
		"its end is":  {http.StatusOK, `{"id":1,"status":"in_progress"}`, 0, 2},
		"no answer":   {http.StatusBadGateway, `{}`, 0, 1},
		"not granted": {http.StatusForbidden, `{"message":"Resource not accessible by integration"}`, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				w, log := &forgetful{busyWire: &busyWire{}, code: c.code, body: c.body}, slog.New(slog.NewTextHandler(&out, nil))
				a, err := app.New(app.Options{ID: "Iv1", Key: app.Key{Literal: secret.New(string(data))}, Transport: w, Log: log})
				if err != nil {
					t.Fatal(err)
				}
				var anew []string
				g := &github.Reporter{
					Find: func(poller.Report) *app.Repository { return a.Repository("acme", "shop") }, Log: log,
					Anew: func(_ context.Context, run poller.Run, _ string) error {
						w.mu.Lock()
						defer w.mu.Unlock()
						anew = append(anew, run.ID)
						return nil
					},
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go g.Run(ctx)
				synctest.Wait()
				note := ""
				r := poller.Report{
					Run: poller.Run{ID: "run-1", Task: "shop", Attempt: 1, Outcome: poller.Pending, Started: time.Now(), Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("a", 40)}},
					URL: "https://github.com/acme/shop", To: "kitops/shop", As: github.AsCheck, Note: &note,
				}
				for _, outcome := range []poller.Outcome{poller.Pending, poller.Success} {
					r.Run.Outcome = outcome
					if err := g.Report(ctx, r); err != nil {
						t.Fatal(err)
					}
				}
				begun := time.Now()
				time.Sleep(29 * time.Second)
				synctest.Wait()
				w.mu.Lock()
				if len(w.asked) > 0 {
					t.Errorf("asked after %s", w.asked[0].Sub(begun))
				}
				w.mu.Unlock()
				time.Sleep(time.Hour)
				synctest.Wait()
				w.mu.Lock()
				defer w.mu.Unlock()
				if n := len(w.asked); n == 0 || n > 2 && name != "lost" || len(anew) != c.anew || len(w.completed) != c.ended {
					t.Errorf("asked %d times, anew %v, completed %d times\n%s", len(w.asked), anew, len(w.completed), out.String())
				}
			})
		})
	}
}
