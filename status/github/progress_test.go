package github_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/github"
)

// busyWire answers like GitHub and notes when check runs were made, changed and completed.
type busyWire struct {
	mu        sync.Mutex
	made      int
	changed   []time.Time
	completed []time.Time
}

func (w *busyWire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	code, body := http.StatusOK, `{"id":1,"private":true,"full_name":"acme/shop"}`
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/installation"):
		body = `{"id":1,"account":{"login":"acme"},"permissions":{"contents":"read","metadata":"read","checks":"write"}}`
	case strings.HasSuffix(path, "/access_tokens"):
		code, body = http.StatusCreated, newToken()
	case r.Method == http.MethodPost:
		w.made++
		code, body = http.StatusCreated, fmt.Sprintf(`{"id":%d}`, w.made)
	case r.Method == http.MethodPatch:
		var sent struct{ Status string }
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			return nil, err
		}
		if sent.Status == "completed" {
			w.completed = append(w.completed, time.Now())
		} else {
			w.changed = append(w.changed, time.Now())
		}
	}
	return answer(r, code, body), nil
}

// TestProgressHoldsUpNoFinalState: forty runs of an hour that print all the time begin and end together.
func TestProgressHoldsUpNoFinalState(t *testing.T) {
	key := newKey(t)
	synctest.Test(t, func(t *testing.T) {
		w, log := &busyWire{}, slog.New(slog.DiscardHandler)
		a, err := app.New(app.Options{ID: "Iv1", Key: key, Transport: w, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		records := &github.Records{Wants: func(string) bool { return true }, Plain: func(line string) []string { return []string{line} }}
		g := &github.Reporter{
			Find: func(poller.Report) *app.Repository { return a.Repository("acme", "shop") }, Log: log, Records: records,
			LogMode: func(string) string { return github.LogTail },
		}
		ctx, cancel := context.WithCancel(t.Context())
		var showing, running sync.WaitGroup
		showing.Go(func() { g.Run(ctx) })
		synctest.Wait()
		begun := time.Now()
		var late time.Duration
		var mu sync.Mutex
		for i := range 40 {
			running.Go(func() {
				note := ""
				run := poller.Run{
					ID: fmt.Sprint("run-", i), Task: "shop", Attempt: 1, Outcome: poller.Pending, Started: time.Now(),
					Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("a", 40)},
				}
				r := poller.Report{Run: run, URL: "https://github.com/acme/shop", To: fmt.Sprint("kitops/", i), As: github.AsCheck, Note: &note}
				if err := g.Report(ctx, r); err != nil {
					t.Error(err)
				}
				for range 720 {
					records.Observe(poller.Event{Kind: poller.ActionStarted, Task: "shop", Run: run})
					records.Observe(poller.Event{Kind: poller.Printed, Task: "shop", Run: run, Data: []byte(time.Now().String() + "\n")})
					time.Sleep(5 * time.Second)
				}
				ended := time.Now()
				r.Run.Outcome, r.Run.Finished = poller.Success, ended
				if err := g.Report(ctx, r); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				late = max(late, time.Since(ended))
			})
		}
		running.Wait()
		cancel()
		showing.Wait()
		if w.made != 40 || len(w.completed) != 40 || late > 5*time.Second {
			t.Errorf("%d made, %d completed, the latest after %s", w.made, len(w.completed), late)
		}
		if n := len(w.changed); n < 100 || n > 250 {
			t.Errorf("%d updates in an hour", n)
		}
		t.Logf("%d updates, the latest final state after %s; the first update after %s", len(w.changed), late, w.changed[0].Sub(begun))
	})
}
