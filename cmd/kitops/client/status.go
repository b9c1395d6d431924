package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
	"github.com/bittrance/kitops/status/api"
)

// Status prints how tasks stand, or one of them. With check, the error names
// those whose last run has failed.
func (c *Client) Status(ctx context.Context, task string, check bool) error {
	all, running, err := c.standings(ctx)
	if err != nil {
		return err
	}
	if task != "" {
		i := slices.IndexFunc(all, func(s poller.Standing) bool { return s.Task == task })
		if i < 0 {
			return unknownTask(task, all)
		}
		all = all[i : i+1]
	}
	switch {
	case c.JSON && task != "":
		err = c.print(all[0])
	case c.JSON:
		err = c.print(api.Tasks{Tasks: all})
	default:
		err = c.tabulate(all, running)
	}
	if err == nil && running && task == "" && !c.JSON {
		err = c.unnotified(ctx)
	}
	if damaged := damages(all); err != nil || damaged != nil || !check {
		return errors.Join(err, damaged)
	}
	return failures(all)
}

// DamagedError says that the memory of a task does not read. The program ends with 2 on it.
type DamagedError struct{ task, why string }

func (e *DamagedError) Error() string { return e.task + ": its state does not read: " + e.why }

// damages are the tasks whose memory does not read.
func damages(all []poller.Standing) error {
	var errs []error
	for _, s := range all {
		if s.Damaged != "" {
			errs = append(errs, &DamagedError{s.Task, s.Damaged})
		}
	}
	return errors.Join(errs...)
}

// unnotified prints to whom the last message did not arrive.
func (c *Client) unnotified(ctx context.Context) error {
	var answer api.AllNotified
	err := c.ask(ctx, "GET", "notified", &answer)
	var unknown *api.Problem
	if errors.As(err, &unknown) && unknown.Status == http.StatusNotFound {
		return nil // an agent of a former version
	}
	for _, n := range answer.Notified {
		if n.Failing() {
			fmt.Fprintf(c.Out, "notifications do not arrive (%s, %s): %s\n", n.To, n.LastError.Local().Format(time.DateTime), status.Printable(n.Error))
		}
	}
	return err
}

// standings are the agent's, or those that its state file tells of.
func (c *Client) standings(ctx context.Context) (all []poller.Standing, running bool, err error) {
	var answer api.Tasks
	err = c.ask(ctx, "GET", "tasks", &answer)
	if !errors.Is(err, errNoAgent) {
		return answer.Tasks, true, err
	}
	if c.Outside != nil {
		all, err = c.outside(ctx)
		return all, false, err
	}
	state, err := c.left()
	if err != nil {
		return nil, false, err
	}
	all, err = poller.StandingsOf(ctx, state)
	return all, false, err
}

// outside are those of a store that instances share, none of which is on this host.
func (c *Client) outside(ctx context.Context) ([]poller.Standing, error) {
	outside, err := c.Outside(ctx)
	if err != nil {
		return nil, err
	}
	all, err := outside.Standings(ctx)
	if err == nil && len(all) == 0 && len(outside.View.Live) == 0 {
		err = &NothingError{c.socket(), c.Store, true}
	}
	return all, err
}

// TaskNames are the tasks of the running agent, or of its state file, for shells to complete.
func (c *Client) TaskNames(ctx context.Context) []string {
	near := *c
	near.Outside = nil // a store may take its time
	all, _, err := c.standings(ctx)
	if err != nil {
		return nil
	}
	return names(all)
}

func names(all []poller.Standing) []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Task
	}
	return names
}

func unknownTask(name string, all []poller.Standing) error {
	return fmt.Errorf("no task %q; there are: %s", name, listed(names(all)))
}

func (c *Client) tabulate(all []poller.Standing, running bool) error {
	switch {
	case running:
	case c.Outside != nil:
		fmt.Fprintf(c.Err, "no agent runs on this host: this is what %s says\n", c.Store)
	default:
		fmt.Fprintf(c.Err, "no agent runs at %s: this is what its state file says\n", c.socket())
	}
	t := table{{"TASK", "REF", "APPLIED", "LAST RUN", "WHY NOTHING RUNS NOW"}}
	for _, s := range all {
		name := s.Task
		if s.Why != "" || len(s.Refs) == 0 {
			t = append(t, []string{name, "", "", "", s.Why})
			name = ""
		}
		for _, r := range s.Refs {
			t = append(t, []string{name, short(r.Ref), sha7(r.Applied), r.Outcome, r.Why})
			name = ""
		}
		if s.More > 0 {
			t = append(t, []string{name, fmt.Sprintf("and %d more", s.More), "", "", "remembered at the first poll, not run"})
		}
	}
	return t.write(c.Out, c.Width)
}

// failures are the refs whose last run has failed.
func failures(all []poller.Standing) error {
	var errs []error
	for _, s := range all {
		for _, r := range s.Refs {
			if r.Outcome == string(poller.Failure) || r.Outcome == string(poller.Error) {
				errs = append(errs, fmt.Errorf("%s: %s: the last run ended with %s", s.Task, short(r.Ref), r.Outcome))
			}
		}
	}
	return errors.Join(errs...)
}

// print writes JSON as people can read it, too.
func (c *Client) print(value any) error {
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
