package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/api"
)

// watched is a stream of events that goes on until it is cut, inside of a bubble of synctest.
type watched struct {
	t      *testing.T
	answer *httptest.ResponseRecorder
	cut    func()
}

func watch(t *testing.T, a *api.API, from string) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(api.WithCaller(t.Context(), api.Caller{Sees: func(task string) bool { return task != "hidden" }}))
	w := &watched{t: t, answer: httptest.NewRecorder()}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/events", http.NoBody)
	if from != "" {
		request.Header.Set("Last-Event-ID", from)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		a.Handler().ServeHTTP(w.answer, request)
	}()
	w.cut = func() { cancel(); <-answered }
	synctest.Wait()
	return w
}

// read is what has come: what each message says, with its id, held to the description.
func (w *watched) read() (said, ids []string) {
	w.t.Helper()
	w.cut()
	name := ""
	for line := range strings.Lines(w.answer.Body.String()) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "id":
			ids = append(ids, value)
		case "event":
			name = value
		case "data":
			if name != "" {
				said, name = append(said, name), ""
				continue
			}
			var e api.Event
			if err := errors.Join(json.Unmarshal([]byte(value), &e), held(w.t, value)); err != nil {
				w.t.Error(err)
			}
			said = append(said, strings.TrimSpace(fmt.Sprintln(e.Kind, e.Task, e.Run, e.Action, e.Outcome)))
		}
	}
	return said, ids
}

// held tells whether an event is as the description has it.
func held(t *testing.T, text string) error {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return err
	}
	return doc.Components.Schemas["Event"].Value.VisitJSON(value)
}

func happened(task string, kind poller.Kind, action string, outcome poller.Outcome) poller.Event {
	return poller.Event{Kind: kind, Task: task, Run: poller.Run{
		ID: "r1", Task: task, Action: action, Outcome: outcome, Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("a", 40)},
	}}
}

func TestEventsAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := api.NewFeed()
		a := &api.API{Feed: feed, Log: slog.New(slog.DiscardHandler)}
		w := watch(t, a, "")
		for _, e := range []poller.Event{
			happened("shop", poller.Started, "", poller.Pending),
			happened("hidden", poller.Started, "", poller.Pending),
			happened("shop", poller.ActionStarted, "make", poller.Pending),
			{Kind: poller.Printed, Task: "shop", Data: []byte("a secret")},
			{Kind: poller.Looked, Task: "shop"},
			{Kind: poller.Looked, Task: "shop", Err: io.EOF},
			{Kind: poller.Looked, Task: "shop", Err: io.EOF, Failures: 1},
			{Kind: poller.Looked, Task: "shop", Failures: 2},
			{Kind: poller.Troubled, Err: io.EOF},
			happened("shop", poller.Finished, "make", poller.Failure),
			{Kind: poller.Ordered, Task: "shop", Reason: "paused by anna"},
		} {
			feed.Observe(e)
		}
		time.Sleep(time.Second)
		said, ids := w.read()
		want := []string{"started shop r1", "action shop r1 make", "task shop", "task shop", "ended shop r1 make failure", "task shop"}
		if !slices.Equal(said, want) {
			t.Errorf("%q", said)
		}
		for i, id := range ids { // cut anywhere, it goes on with the rest
			w := watch(t, a, id)
			time.Sleep(time.Second)
			if rest, _ := w.read(); !slices.Equal(rest, want[i+1:]) {
				t.Errorf("after %d: %q", i, rest)
			}
		}
		if ids[len(ids)-1] != feed.ID() {
			t.Errorf("the last id is %s, the place %s", ids[len(ids)-1], feed.ID())
		}
	})
}

// TestEventsThatAreForgottenAreSaidToBe has viewers that come back after too much has
// happened, or to another process, and one that nothing happens for.
func TestEventsThatAreForgottenAreSaidToBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feed := api.NewFeed()
		a := &api.API{Feed: feed, Log: slog.New(slog.DiscardHandler)}
		before := feed.ID()
		for range 5000 {
			feed.Observe(happened("shop", poller.Started, "", poller.Pending))
		}
		for _, from := range []string{before, api.NewFeed().ID(), "x", "-1", feed.ID() + "0", "\r\nnonsense"} {
			w := watch(t, a, from)
			time.Sleep(time.Second)
			feed.Observe(happened("shop", poller.Finished, "", poller.Success))
			time.Sleep(time.Second)
			if said, _ := w.read(); !slices.Equal(said, []string{"lost", "ended shop r1  success"}) {
				t.Errorf("from %q: %q", from, said)
			}
		}
		w := watch(t, a, feed.ID())
		time.Sleep(time.Minute)
		if w.cut(); strings.Count(w.answer.Body.String(), ": still there\n\n") != 4 {
			t.Errorf("in a minute: %q", w.answer.Body)
		}
	})
}

// TestWhoHearsOfAnEndFindsItInTheHistory asks the history at once.
func TestWhoHearsOfAnEndFindsItInTheHistory(t *testing.T) {
	t.Parallel()
	a := serve(t)
	var found []string
	told := make(chan struct{})
	a.history.Then = func(e poller.Event) {
		if e.Kind == poller.Printed {
			t.Error("output is no event")
		}
		if e.Kind == poller.Started || e.Kind == poller.Finished {
			run, err := a.history.Run(t.Context(), e.Run.ID)
			found = append(found, fmt.Sprint(run.Outcome, err))
		}
		if e.Kind == poller.Finished {
			close(told)
		}
	}
	a.ran("r1", "hello\n")
	<-told
	if !slices.Equal(found, []string{"running<nil>", "success<nil>"}) {
		t.Error(found)
	}
}
