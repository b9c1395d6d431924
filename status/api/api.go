package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

// API is the handler of the routes below /api/v1. Its fields are set before it
// serves; it is safe for concurrent use.
type API struct {
	Standings func(ctx context.Context) ([]poller.Standing, error)
	Standing  func(ctx context.Context, task string) (s poller.Standing, known bool, err error) // nil: by Standings
	Poll      func(task string) bool                                                            // polls a task now; tells whether there is such a task
	Order     func(ctx context.Context, task string, o poller.Order) (why string, err error)
	Cancel    func(ctx context.Context, run, by string) (why string, err error)
	Members   func(ctx context.Context) (poller.Membership, error)
	Notified  func() []Notified // nil: nobody is
	Feed      *Feed             // nil: no events
	History   *history.History  // nil: off

	// Withdraw takes back what others were shown of what a run printed; nil: nobody was. It may be called again.
	Withdraw func(ctx context.Context, run history.Run, by string) error

	Invite func(by string) (Invitation, error) // to the page; nil: there is none, or nobody is invited from here
	Revoke func() (sessions int, err error)    // ends all that is logged in to the page; nil as Invite

	Log *slog.Logger

	following tails
}

// Tasks is the answer of GET tasks.
type Tasks struct {
	Tasks []poller.Standing `json:"tasks"`
}

// Runs is the answer of GET runs.
type Runs struct {
	Runs []history.Run `json:"runs"`
	Next *string       `json:"next"` // to list from with before; nil at the end
}

// Run is the answer of GET runs/{run}.
type Run struct {
	history.Run
	Actions []history.Action `json:"actions"`
}

// Ordered is the answer to what was asked for.
type Ordered struct {
	Order string `json:"order"`
	Why   string `json:"why"`
}

// Problem is an error as RFC 9457 has it.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return p.Detail }

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// Handler returns the routes.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, f func(*http.Request) (int, any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status, body, err := f(r)
			if err != nil {
				a.fail(w, r, err)
				return
			}
			write(w, status, "application/json", body)
		})
	}
	answer("GET /api/v1/tasks", a.tasks)
	answer("GET /api/v1/tasks/{task}", a.task)
	answer("POST /api/v1/tasks/{task}/poll", a.poll)
	for _, what := range []string{poller.Pause, poller.Resume, poller.Again, poller.Rollback, poller.Pin, poller.Unpin, poller.Approve} {
		answer("POST /api/v1/tasks/{task}/"+what, a.order(what))
	}
	answer("GET /api/v1/members", a.members)
	answer("GET /api/v1/notified", a.notified)
	answer("GET /api/v1/runs", a.runs)
	answer("GET /api/v1/runs/{run}", a.run)
	answer("DELETE /api/v1/runs/{run}", a.remove)
	answer("POST /api/v1/runs/{run}/cancel", a.cancel)
	answer("POST /api/v1/page/login", a.invite)
	answer("DELETE /api/v1/page/sessions", a.revoke)
	stream := func(pattern string, f func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				a.fail(w, r, err)
			}
		})
	}
	stream("GET /api/v1/runs/{run}/log", a.output)
	stream("GET /api/v1/events", a.events)
	return plainErrors(mux)
}

// plainErrors makes what the mux itself answers a Problem, too.
func plainErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var methods []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "" {
				methods = append(methods, method)
			}
		}
		if len(methods) == 0 {
			writeProblem(w, problem(http.StatusNotFound, "there is no %s", r.URL.Path))
			return
		}
		w.Header()["Allow"] = methods
		writeProblem(w, problem(http.StatusMethodNotAllowed, "%s does not take %s", r.URL.Path, r.Method))
	})
}

func (a *API) tasks(r *http.Request) (int, any, error) {
	all, err := a.Tasks(r.Context())
	return http.StatusOK, Tasks{all}, err
}

func (a *API) task(r *http.Request) (int, any, error) {
	standing, err := a.Task(r.Context(), r.PathValue("task"))
	return http.StatusOK, standing, err
}

func unknownTask(name string) error { return problem(http.StatusNotFound, "no task %q", name) }

func (a *API) poll(r *http.Request) (int, any, error) {
	answer, err := a.PollNow(r.Context(), r.PathValue("task"))
	return http.StatusAccepted, answer, err
}

func (a *API) kept() (*history.History, error) {
	if a.History == nil {
		return nil, problem(http.StatusNotFound, "the history is off (--history)")
	}
	return a.History, nil
}

func (a *API) runs(r *http.Request) (int, any, error) {
	f, err := FilterOf(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	answer, err := a.List(r.Context(), f)
	return http.StatusOK, answer, err
}

// FilterOf is what the parameters of GET runs ask for. The error is a *[Problem].
func FilterOf(query url.Values) (history.Filter, error) {
	f := history.Filter{Task: query.Get("task"), Ref: query.Get("ref"), Outcome: query.Get("outcome"), Before: query.Get("before")}
	if text := query.Get("limit"); text != "" {
		var err error
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 {
			return f, problem(http.StatusBadRequest, "limit: %q is no number of runs", text)
		}
	}
	if outcomes := []string{"", "running", "success", "failure", "error"}; !slices.Contains(outcomes, f.Outcome) {
		return f, problem(http.StatusBadRequest, "outcome: %q is none of running, success, failure, error", f.Outcome)
	}
	return f, nil
}

// List is the answer of GET runs.
func List(ctx context.Context, h *history.History, f history.Filter) (Runs, error) {
	all, next, err := h.Runs(ctx, f)
	answer := Runs{Runs: append([]history.Run{}, all...)}
	if next != "" {
		answer.Next = &next
	}
	return answer, missing(err)
}

func (a *API) run(r *http.Request) (int, any, error) {
	run, err := a.Run(r.Context(), r.PathValue("run"))
	return http.StatusOK, run, err
}

func (a *API) remove(r *http.Request) (int, any, error) {
	answer, err := a.Remove(r.Context(), r.PathValue("run"))
	return http.StatusOK, answer, err
}

func (a *API) cancel(r *http.Request) (int, any, error) {
	answer, err := a.Stop(r.Context(), r.PathValue("run"))
	return http.StatusAccepted, answer, err
}

// Show is the answer of GET runs/{run}.
func Show(ctx context.Context, h *history.History, id string) (Run, error) {
	run, err := h.Run(ctx, id)
	if err != nil {
		return Run{}, missing(err)
	}
	actions, err := h.Actions(ctx, run.ID)
	return Run{run, append([]history.Action{}, actions...)}, missing(err)
}

// missing makes the error of what the history does not have a Problem.
func missing(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, history.ErrRemoved):
		return problem(http.StatusNotFound, "%s", err)
	case errors.Is(err, history.ErrRunning):
		return problem(http.StatusConflict, "%s", err)
	}
	return err
}

// fail answers an error. What is nobody's mistake but the agent's is logged.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known *Problem
	switch {
	case errors.As(refused(missing(err)), &known):
	case r.Context().Err() != nil:
		return // nobody listens
	default:
		a.Log.Warn("a request could not be answered", "path", r.URL.Path, "err", err)
		known = problem(http.StatusInternalServerError, "%s", err)
	}
	writeProblem(w, known)
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	write(w, p.Status, "application/problem+json", p)
}

func write(w http.ResponseWriter, status int, kind string, body any) {
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // else the client is gone
}

// Refuse answers with a Problem.
func Refuse(w http.ResponseWriter, status int, detail string) {
	writeProblem(w, problem(status, "%s", detail))
}
