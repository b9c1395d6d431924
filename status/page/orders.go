package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
)

// pollNow is an order of the page's forms that the poller does not have to keep.
const pollNow = "poll"

// order gives an order about a task.
func (s *Server) order(c echo.Context, v visit) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "the form does not read")
	}
	form := r.PostForm
	task, what := form.Get("task"), form.Get("order")
	back := "/task?name=" + url.QueryEscape(task)
	if what == pollNow {
		done, err := v.api.PollNow(r.Context(), task)
		return s.ordered(c, v, back, task, done, err)
	}
	if !slices.Contains([]string{poller.Pause, poller.Resume, poller.Again, poller.Rollback, poller.Pin, poller.Unpin, poller.Approve}, what) {
		return echo.NewHTTPError(http.StatusBadRequest, "there is no such order")
	}
	body := api.Order{
		Ref: form.Get("ref"), SHA: strings.ToLower(strings.TrimSpace(form.Get("sha"))), Reason: strings.TrimSpace(form.Get("reason")),
		After: form.Has("after"), Anyway: form.Has("anyway"),
	}
	if text := strings.TrimSpace(form.Get("for")); text != "" {
		d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
		if err != nil || d <= 0 {
			return echo.NewHTTPError(http.StatusBadRequest, "how long to pause: write it like 2h or 30m")
		}
		until := time.Now().Add(d)
		body.Until = &until
	}
	done, err := v.api.Give(r.Context(), task, what, body)
	return s.ordered(c, v, back, task, done, err)
}

// ordered sends the browser back, to be told how it went.
func (s *Server) ordered(c echo.Context, v visit, back, about string, done api.Ordered, err error) error {
	if err != nil {
		return err
	}
	s.flashes.say(v.session.key, about+": "+done.Why)
	return s.see(c, back)
}

func (s *Server) cancel(c echo.Context, v visit) error {
	run := c.Param("run")
	done, err := v.api.Stop(c.Request().Context(), run)
	return s.ordered(c, v, "/runs/"+url.PathEscape(run), "Run "+run, done, err)
}

func (s *Server) remove(c echo.Context, v visit) error {
	run := c.Param("run")
	done, err := v.api.Remove(c.Request().Context(), run)
	return s.ordered(c, v, "/runs/"+url.PathEscape(run), "Run "+run, done, err)
}
