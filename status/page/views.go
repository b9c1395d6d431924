package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// overviewView is what the first page shows.
type overviewView struct {
	Tasks   []poller.Standing
	Running int
	Failing int
}

func (s *Server) overview(c echo.Context, v visit) error {
	all, err := v.api.Tasks(c.Request().Context())
	if err != nil {
		return err
	}
	body := overviewView{Tasks: all}
	for _, t := range all {
		for _, r := range t.Refs {
			switch r.Outcome {
			case poller.Running:
				body.Running++
			case string(poller.Failure), string(poller.Error):
				body.Failing++
			}
		}
	}
	return s.render(c, http.StatusOK, "overview", view{Title: "Tasks", Body: body})
}

// taskView is what the page of a task shows.
type taskView struct {
	poller.Standing
	Runs     []history.Run
	Settings string // for local sessions only
	Changes  []changes
	Web      string // the repository's page
}

// changes are what a ref has that was not applied yet.
type changes struct {
	Ref     string
	Commits []Commit
	More    bool
	Compare string // its page, "" for none
	Known   bool   // the commits are at hand
}

const (
	// maxChanges is how many commits are listed.
	maxChanges = 50
	// changesLimit is how long a page waits for them, of all refs: a clone that is fetched into lets nobody read.
	changesLimit = 2 * time.Second
)

func (s *Server) task(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	standing, err := v.api.Task(ctx, c.QueryParam("name"))
	if err != nil {
		return err
	}
	body := taskView{Standing: standing}
	if v.api.History != nil {
		last, err := v.api.List(ctx, history.Filter{Task: standing.Task, Limit: 10})
		if err != nil {
			return err
		}
		body.Runs = last.Runs
	}
	if v.local {
		body.Settings = s.o.Settings(standing.Task)
	}
	if r, on := s.o.Repositories()[standing.Task]; on {
		body.Web = r.Web
	}
	soon, cancel := context.WithTimeout(ctx, changesLimit)
	defer cancel()
	for _, ref := range standing.Refs {
		if ref.Applied == "" || ref.Head == "" || ref.Applied == ref.Head {
			continue
		}
		one := changes{Ref: ref.Ref}
		if body.Web != "" {
			one.Compare = body.Web + "/compare/" + ref.Applied + "..." + ref.Head
		}
		commits, err := s.o.Changes(soon, standing.Task, ref.Applied, ref.Head, maxChanges+1)
		one.Known = err == nil
		one.More = len(commits) > maxChanges
		one.Commits = commits[:min(len(commits), maxChanges)]
		body.Changes = append(body.Changes, one)
	}
	return s.render(c, http.StatusOK, "task", view{Title: standing.Task, Body: body})
}

// runsView is what the page of the history shows.
type runsView struct {
	api.Runs
	history.Filter
	Names    []string // of tasks
	Outcomes []string
	Older    string // its address, "" for none
	First    bool   // nothing is newer
}

func (s *Server) runs(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	query := c.QueryParams()
	f, err := api.FilterOf(query)
	if err != nil {
		return err
	}
	switch f.Ref = strings.TrimSpace(f.Ref); {
	case f.Ref == "", strings.HasPrefix(f.Ref, "refs/"):
	case strings.HasPrefix(f.Ref, "tags/"), strings.HasPrefix(f.Ref, "pull/"): // as the page shows them
		f.Ref = "refs/" + f.Ref
	default:
		f.Ref = "refs/heads/" + f.Ref
	}
	list, err := v.api.List(ctx, f)
	if err != nil {
		return err
	}
	all, err := v.api.Tasks(ctx)
	if err != nil {
		return err
	}
	body := runsView{Runs: list, Filter: f, Outcomes: []string{poller.Running, string(poller.Success), string(poller.Failure), string(poller.Error)}, First: f.Before == ""}
	for _, t := range all {
		body.Names = append(body.Names, t.Task)
	}
	if f.Task != "" && !slices.Contains(body.Names, f.Task) {
		body.Names = append(body.Names, f.Task)
	}
	if list.Next != nil {
		older := url.Values{"before": {*list.Next}}
		for name, value := range map[string]string{"task": f.Task, "ref": f.Ref, "outcome": f.Outcome} {
			if value != "" {
				older.Set(name, value)
			}
		}
		body.Older = s.public.path + "/runs?" + older.Encode()
	}
	return s.render(c, http.StatusOK, "runs", view{Title: "Runs", Body: body})
}

// fleet shows who shares the state.
func (s *Server) fleet(c echo.Context, v visit) error {
	all, err := v.api.Membership(c.Request().Context())
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "fleet", view{Title: "Members", Body: all})
}

// runView is what the page of a run shows.
type runView struct {
	api.Run
	Log    window
	NoLog  string // why there is none
	Commit string // its page, "" for none
	Path   string // of this page
}

func (s *Server) run(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	run, err := v.api.Run(ctx, c.Param("run"))
	if err != nil {
		return err
	}
	body := runView{Run: run, Path: s.public.path + "/runs/" + url.PathEscape(run.ID)}
	if r, on := s.o.Repositories()[run.Task]; on {
		body.Commit = r.Web + "/commit/" + run.SHA
	}
	out, err := v.api.Output(ctx, run.ID)
	if err != nil {
		body.NoLog = err.Error()
		return s.render(c, http.StatusOK, "run", view{Title: "Run " + run.ID, Body: body})
	}
	defer func() { _ = out.Close() }()
	if body.Log, err = windowOf(out, c.QueryParam("from"), c.QueryParam("before")); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "run", view{Title: run.Task + " " + cmp.Or(run.Outcome, "run"), Body: body})
}

// took is how long a run or an action takes, or has taken.
func took(started, ended, now time.Time) string {
	switch {
	case started.IsZero():
		return ""
	case ended.IsZero():
		return now.Sub(started).Truncate(time.Second).String()
	}
	d := ended.Sub(started)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	if d < time.Minute {
		return d.Truncate(time.Millisecond * 100).String()
	}
	return d.Truncate(time.Second).String()
}
