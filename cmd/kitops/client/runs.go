package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// Runs prints the history, the newest first.
func (c *Client) Runs(ctx context.Context, f history.Filter) error {
	runs, err := c.list(ctx, f)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.print(runs)
	}
	t := table{{"RUN", "TASK", "REF", "SHA", "STARTED", "TOOK", "OUTCOME", "REASON"}}
	for _, r := range runs.Runs {
		reason := r.Reason
		if r.Action != "" && r.Outcome != poller.Running {
			reason = r.Action + ": " + reason
		}
		if r.Signer != "" {
			reason = strings.TrimPrefix(reason+", signed by "+r.Signer, ", ")
		}
		if r.Removed != "" {
			reason += " (log removed by " + r.Removed + ")"
		}
		t = append(t, []string{r.ID, r.Task, short(r.Ref), sha7(r.SHA), r.Started.Local().Format(time.DateTime), took(r), r.Outcome, reason})
	}
	return t.write(c.Out, c.Width)
}

// took is how long a run took, or has taken until now.
func took(r history.Run) string {
	d := time.Duration(r.Took * float64(time.Second))
	if r.Outcome == poller.Running {
		d = max(0, time.Since(r.Started))
	}
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// list asks for runs, by whatever a person calls their ref.
func (c *Client) list(ctx context.Context, f history.Filter) (runs api.Runs, err error) {
	if f.Ref == "" {
		return c.listed(ctx, f)
	}
	for _, f.Ref = range git.Meant(f.Ref) {
		if runs, err = c.listed(ctx, f); err != nil || len(runs.Runs) > 0 {
			break
		}
	}
	return runs, err
}

// listed asks the agent for runs, or the history that it has left.
func (c *Client) listed(ctx context.Context, f history.Filter) (runs api.Runs, err error) {
	limit := ""
	if f.Limit > 0 {
		limit = strconv.Itoa(f.Limit)
	}
	path := "runs" + query("task", f.Task, "ref", f.Ref, "outcome", f.Outcome, "before", f.Before, "limit", limit)
	if err = c.ask(ctx, "GET", path, &runs); !errors.Is(err, errNoAgent) {
		return runs, err
	}
	h, err := c.kept()
	if err != nil {
		return runs, err
	}
	defer h.Close(closing)
	return api.List(ctx, h, f)
}

// closing is what closing a history may take that was only read.
const closing = 5 * time.Second

// Delete removes what a run printed.
func (c *Client) Delete(ctx context.Context, run string) error {
	var answer api.Ordered
	err := c.ask(ctx, "DELETE", "runs/"+escaped(run), &answer)
	if errors.Is(err, errNoAgent) {
		return fmt.Errorf("%w at %s: it alone changes the history", err, c.socket())
	}
	if err == nil {
		_, err = fmt.Fprintln(c.Out, answer.Why)
	}
	return err
}

// Poll has tasks polled now, or all.
func (c *Client) Poll(ctx context.Context, tasks []string) error {
	if len(tasks) == 0 {
		var answer api.Tasks
		if err := c.ask(ctx, "GET", "tasks", &answer); err != nil {
			return c.needsAgent(err)
		}
		tasks = names(answer.Tasks)
	}
	var errs []error
	for _, task := range tasks {
		var answer api.Ordered
		if err := c.ask(ctx, "POST", "tasks/"+escaped(task)+"/poll", &answer); err != nil {
			errs = append(errs, c.needsAgent(err))
		}
	}
	return errors.Join(errs...)
}

func (c *Client) needsAgent(err error) error {
	if errors.Is(err, errNoAgent) {
		return fmt.Errorf("%w at %s: --poll-once polls without one", err, c.socket())
	}
	return err
}
