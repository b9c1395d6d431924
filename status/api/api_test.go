package api_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// agent is an API with a history, whose answers are held to docs/openapi.yaml.
type agent struct {
	t       *testing.T
	url     string
	handler http.Handler
	history *history.History
	polled  []string
	orders  []poller.Order
	router  routers.Router
}

func serve(t *testing.T) *agent {
	t.Helper()
	a := &agent{t: t, router: described(t)}
	log := slog.New(slog.DiscardHandler)
	a.history = history.New(t.Context(), t.TempDir(), history.DefaultKeep(), "build-1", log)
	t.Cleanup(func() { a.history.Close(time.Minute) })
	served := &api.API{
		Standings: func(context.Context) ([]poller.Standing, error) { return standings(), nil },
		Standing: func(_ context.Context, task string) (s poller.Standing, known bool, err error) {
			if i := slices.IndexFunc(standings(), func(s poller.Standing) bool { return s.Task == task }); i >= 0 {
				return standings()[i], true, nil
			}
			return s, false, nil
		},
		Poll: func(task string) bool { a.polled = append(a.polled, task); return task == "acme/shop" },
		Order: func(_ context.Context, task string, o poller.Order) (string, error) {
			a.orders = append(a.orders, o)
			switch {
			case task != "acme/shop":
				return "", &poller.RefusedError{Unknown: true}
			case o.What == poller.Resume:
				return "", &poller.RefusedError{}
			}
			return o.What + " by " + o.By, nil
		},
		Cancel: func(_ context.Context, run, by string) (string, error) {
			if run != "r0" {
				return "", &poller.RefusedError{Unknown: true}
			}
			return "cancelled by " + by, nil
		},
		Members: func(context.Context) (poller.Membership, error) {
			return poller.Membership{
				Members: []poller.MemberStanding{{
					Name: "build-1", Host: "h", PID: 7, Since: time.Now().UTC(), Seen: time.Now().UTC(), Capacity: 4, Labels: map[string]string{"zone": "north"},
					Behind: []string{}, Each: []poller.FleetStanding{{Task: "fleet", Ref: "refs/heads/main"}},
				}},
				Unpolled: []string{"blog"}, Disputed: []poller.Dispute{{Task: "shop", Definitions: [][]string{{"build-1"}, {"build-2"}}}},
			}, nil
		},
		History: a.history, Log: log,
	}
	a.handler = served.Handler()
	server := httptest.NewServer(a.handler)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func standings() []poller.Standing {
	return []poller.Standing{
		{Task: "acme/shop", URL: "https://github.com/acme/shop", NextPoll: time.Now().UTC(), Refs: []poller.RefStanding{
			{Ref: "refs/heads/main", Head: "aa", Outcome: poller.Running, Run: "r", Signer: "anna", Why: "running since 12:00"},
		}},
		{Task: "blog", Refs: []poller.RefStanding{}, Why: "no branch matches release/*"},
	}
}

func described(t *testing.T) routers.Router {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "/api/v1"}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// ask sends a request and holds it and the answer to the description, unless there is no such route.
func (a *agent) ask(method, path string, header ...string) (status int, body string) {
	a.t.Helper()
	return a.send(method, path, "", header...)
}

func (a *agent) send(method, path, body string, header ...string) (status int, answer string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	route, params, err := a.router.FindRoute(req)
	if err != nil {
		return resp.StatusCode, string(data)
	}
	if req.Body, err = req.GetBody(); err != nil {
		a.t.Fatal(err)
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	if err := openapi3filter.ValidateRequest(a.t.Context(), in); err != nil && resp.StatusCode < 300 {
		a.t.Errorf("%s %s is answered, but %v", method, path, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header}
	out.SetBodyBytes(data)
	if err := openapi3filter.ValidateResponse(a.t.Context(), out); err != nil {
		a.t.Errorf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(data)
}

// ran is a run in the history with this output.
func (a *agent) ran(id, printed string) {
	a.t.Helper()
	r := a.begin(id)
	a.print(r, printed)
	a.end(r)
}

func (a *agent) begin(id string) poller.Run { a.t.Helper(); return a.beginOf("acme/shop", id) }

func (a *agent) beginOf(task, id string) poller.Run {
	a.t.Helper()
	r := poller.Run{
		ID: id, Task: task, Attempt: 1, Started: time.Now().UTC(), Outcome: poller.Pending,
		Revision: git.Revision{Ref: "refs/heads/main", SHA: strings.Repeat("a", 40)},
	}
	a.history.Observe(poller.Event{Kind: poller.Started, Task: r.Task, Run: r})
	a.await(func() bool { _, err := a.history.Output(a.t.Context(), id); return err == nil })
	r.Action, r.Signer = "make", "anna"
	a.history.Observe(poller.Event{Kind: poller.ActionStarted, Task: r.Task, Run: r})
	return r
}

func (a *agent) print(r poller.Run, text string) {
	a.history.Observe(poller.Event{Kind: poller.Printed, Task: r.Task, Run: r, Data: []byte(text)})
}

func (a *agent) end(r poller.Run) {
	a.t.Helper()
	r.Outcome, r.Finished, r.Took = poller.Success, time.Now().UTC(), time.Second
	a.history.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: r})
	a.await(func() bool {
		row, err := a.history.Run(a.t.Context(), r.ID)
		return err == nil && row.Outcome == "success"
	})
}

func (a *agent) await(done func() bool) {
	a.t.Helper()
	for !done() {
		if a.t.Context().Err() != nil {
			a.t.Fatal("it never happens")
		}
	}
}

func TestRoutes(t *testing.T) {
	a := serve(t)
	a.ran("r1", "one\n")
	a.ran("r2", "two\nthree\n")
	for _, c := range []struct {
		method, path string
		status       int
		has          string
	}{
		{"GET", "tasks", 200, `"task":"acme/shop"`},
		{"GET", "tasks/acme%2Fshop", 200, `"why":"running since 12:00"`},
		{"GET", "tasks/blog", 200, "no branch matches"},
		{"GET", "tasks/nosuch", 404, `no task \"nosuch\"`},
		{"POST", "tasks/acme%2Fshop/poll", 202, `"order":"poll"`},
		{"POST", "tasks/nosuch/poll", 404, "no task"},
		{"GET", "tasks/acme%2Fshop/poll", 405, "does not take GET"},
		{"GET", "runs", 200, `"run":"r2"`},
		{"GET", "runs?limit=1", 200, `"next":"r2"`},
		{"GET", "runs?before=r2", 200, `"next":null`},
		{"GET", "runs?task=nosuch", 200, `{"runs":[],"next":null}`},
		{"GET", "runs?limit=0", 400, "no number of runs"},
		{"GET", "runs?limit=many", 400, "no number of runs"},
		{"GET", "runs?outcome=good", 400, "none of running"},
		{"GET", "runs?before=nosuch", 404, "no run"},
		{"GET", "runs/r1", 200, `"actions":[{"action":"make"`},
		{"GET", "runs/nosuch", 404, "no run"},
		{"GET", "runs/..%2f..%2fetc%2fpasswd/log", 404, "no run"},
		{"GET", "runs/r2/log", 200, "two\nthree\n"},
		{"GET", "runs/nosuch/log", 404, "no run"},
		{"DELETE", "runs/r1", 200, `"order":"delete"`},
		{"GET", "runs/r1/log", 404, "removed by somebody"},
		{"DELETE", "runs/nosuch", 404, "no run"},
		{"PUT", "runs/r1", 405, "does not take PUT"},
		{"GET", "nosuch", 404, "there is no /api/v1/nosuch"},
	} {
		if status, body := a.ask(c.method, c.path); status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
	if len(a.polled) != 2 {
		t.Errorf("polled %v", a.polled)
	}
	if status, body := a.ask("GET", "runs/r2/log", "Range", "bytes=4-8"); status != 206 || body != "three" {
		t.Errorf("a range: %d %q", status, body)
	}
}

func TestRunsThatGoOnKeepTheirOutput(t *testing.T) {
	a := serve(t)
	r := a.begin("r1")
	if status, body := a.ask("DELETE", "runs/r1"); status != 409 || !strings.Contains(body, "it goes on") {
		t.Errorf("%d %s", status, body)
	}
	a.end(r)
}

func TestWithoutAHistory(t *testing.T) {
	server := httptest.NewServer((&api.API{Log: slog.New(slog.DiscardHandler)}).Handler())
	defer server.Close()
	for _, path := range []string{"runs", "runs/x", "runs/x/log"} {
		resp, err := http.Get(server.URL + "/api/v1/" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "--history") {
			t.Errorf("%s: %d %s %v", path, resp.StatusCode, body, err)
		}
	}
}
