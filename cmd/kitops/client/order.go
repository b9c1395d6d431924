package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/status"
	"github.com/bittrance/kitops/status/api"
)

// Order has the agent order something of a task, or of all. Where none runs, the state is changed.
func (c *Client) Order(ctx context.Context, task string, o poller.Order) error {
	tasks := []string{task}
	if task == "" {
		all, _, err := c.standings(ctx)
		if err != nil {
			return err
		}
		tasks = names(all)
	}
	var errs []error
	for _, task := range tasks {
		answer, err := c.order(ctx, task, o)
		errs = append(errs, c.tell(task, answer, err))
	}
	return errors.Join(errs...)
}

func (c *Client) order(ctx context.Context, task string, o poller.Order) (api.Ordered, error) {
	var answer api.Ordered
	body := api.Order{Ref: o.Ref, SHA: o.SHA, Reason: o.Reason, After: o.After, Anyway: o.Anyway}
	if !o.Until.IsZero() {
		body.Until = &o.Until
	}
	text, err := json.Marshal(body)
	if err != nil {
		return answer, err
	}
	err = c.send(ctx, http.MethodPost, "tasks/"+escaped(task)+"/"+o.What, bytes.NewReader(text), &answer)
	if errors.Is(err, errNoAgent) {
		answer.Order = o.What
		answer.Why, err = c.change(ctx, task, o)
	}
	return answer, err
}

// Pin has a task stay at a revision, or go back to it. With now, what runs at another one is cancelled.
func (c *Client) Pin(ctx context.Context, task string, o poller.Order, now bool) error {
	if err := c.Order(ctx, task, o); err != nil || !now {
		return err
	}
	all, _, err := c.standings(ctx)
	if err != nil {
		return err
	}
	if run := elsewhere(all, task, o.Ref); run != "" {
		return c.Cancel(ctx, run)
	}
	return nil
}

// elsewhere is the run of a task that goes on at another revision than its ref is pinned to, "" for none.
func elsewhere(all []poller.Standing, task, ref string) (run string) {
	for _, s := range all {
		for _, r := range s.Refs {
			if s.Task == task && r.Outcome == poller.Running && r.Pinned != nil && r.SHA != r.Pinned.SHA && (ref == "" || slices.Contains(git.Meant(ref), r.Ref)) {
				return r.Run
			}
		}
	}
	return ""
}

// Cancel ends a run: the one of that name, or what runs of a task.
func (c *Client) Cancel(ctx context.Context, what string) error {
	all, _, err := c.standings(ctx)
	if err != nil {
		return err
	}
	task, run := running(all, what)
	answer := api.Ordered{Order: poller.Cancel}
	err = c.ask(ctx, http.MethodPost, "runs/"+escaped(run)+"/cancel", &answer)
	if errors.Is(err, errNoAgent) {
		answer.Why, err = c.change(ctx, task, poller.Order{What: poller.Cancel, Run: run})
	}
	return c.tell(what, answer, err)
}

// running is the run that is meant by its name or that of its task: of that what runs, else what ran last.
func running(all []poller.Standing, what string) (task, run string) {
	for _, s := range all {
		for _, r := range s.Refs {
			switch {
			case r.Run == what:
				return s.Task, r.Run
			case s.Task == what && r.Outcome == poller.Running:
				return s.Task, r.Run
			case s.Task == what && r.Run > run: // their names are in the order of time
				task, run = s.Task, r.Run
			}
		}
	}
	return cmp.Or(task, what), cmp.Or(run, what)
}

// tell prints the answer to an order.
func (c *Client) tell(about string, answer api.Ordered, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", about, err)
	case c.JSON:
		return c.print(answer)
	}
	_, err = fmt.Fprintf(c.Out, "%s: %s\n", about, status.Printable(answer.Why))
	return err
}

// change makes the order in the state file, which nobody else has meanwhile, or in the store that instances share.
func (c *Client) change(ctx context.Context, task string, o poller.Order) (why string, err error) {
	o.By = userName()
	if c.Outside != nil {
		outside, err := c.Outside(ctx)
		if err != nil {
			return "", err
		}
		return outside.Order(ctx, task, o)
	}
	path, err := filepath.EvalSymlinks(c.State)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &NothingError{c.socket(), c.State, false}
	}
	if err == nil {
		err = mine(path)
	}
	if err != nil {
		return "", err
	}
	lock, err := file.AcquireLock(path + ".lock")
	var held *file.LockedError
	if errors.As(err, &held) {
		return "", fmt.Errorf("%w, which does not answer at %s: name its --control", err, c.socket())
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	state, err := file.Open(path)
	if err != nil {
		return "", err
	}
	if o.SHA != "" {
		if h, err := c.kept(); err == nil { // else the state alone knows of revisions
			defer h.Close(closing)
			if o.Known, err = h.Revisions(ctx, task, o.SHA); err != nil {
				return "", err
			}
		}
	}
	return poller.OrderOf(ctx, state, task, o)
}

// userName is who gives an order.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// Moment is a time as people write it: of the day, when it comes next; with its date; or as RFC 3339 has it.
func Moment(text string, now time.Time) (time.Time, error) {
	if at, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		next := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
		if !next.After(now) {
			next = time.Date(now.Year(), now.Month(), now.Day()+1, at.Hour(), at.Minute(), 0, 0, now.Location())
		}
		return next, nil
	}
	for _, format := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", time.RFC3339, time.DateOnly} {
		if at, err := time.ParseInLocation(format, text, now.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 18:00, 2026-05-04 18:00 or 2026-05-04T18:00:00+02:00", text)
}
