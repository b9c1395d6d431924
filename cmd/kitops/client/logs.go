package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// Logs prints what a run printed: of a run, or of the last one of a task, or of
// all. With follow it goes on until the run has ended, and the error is one
// unless that was a success. An action's name picks its part.
func (c *Client) Logs(ctx context.Context, what, action string, follow bool) error {
	run, err := c.find(ctx, what)
	if err != nil {
		return err
	}
	if err := c.copy(ctx, run, action, follow); err != nil {
		return err
	}
	if !follow {
		return nil
	}
	ended, err := c.run(ctx, run)
	if err == nil && ended.Outcome == poller.Running {
		return fmt.Errorf("%s: run %s goes on, and its agent cannot be asked when it ends: it has no control socket", ended.Task, ended.ID)
	}
	if err == nil && ended.Outcome != "success" {
		err = fmt.Errorf("%s: run %s: %s", ended.Task, ended.ID, strings.TrimSpace(ended.Outcome+" "+ended.Reason))
	}
	return err
}

// find is the run that is meant by its name or that of a task.
func (c *Client) find(ctx context.Context, what string) (run string, err error) {
	if what != "" {
		if r, err := c.run(ctx, what); err == nil {
			return r.ID, nil
		} else if !unknownRun(err) {
			return "", err
		}
	}
	last, err := c.list(ctx, history.Filter{Task: what, Limit: 1})
	switch {
	case err != nil:
		return "", err
	case len(last.Runs) > 0:
		return last.Runs[0].ID, nil
	case what == "":
		return "", errors.New("nothing has run yet")
	}
	return "", fmt.Errorf("no run and no task %q has run (kitops runs lists the runs)", what)
}

// copy prints the output, or an action's part of it.
func (c *Client) copy(ctx context.Context, run, action string, follow bool) error {
	from, to := int64(0), int64(-1)
	if action != "" {
		r, err := c.run(ctx, run)
		if err != nil {
			return err
		}
		if from, to, err = part(r, action); err != nil {
			return err
		}
	}
	text, err := c.output(ctx, run, follow)
	if err != nil {
		return err
	}
	defer func() { _ = text.Close() }()
	var reader io.Reader = text
	if _, err := io.CopyN(io.Discard, reader, from); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if to >= 0 {
		reader = io.LimitReader(reader, to-from)
	}
	if !c.Terminal {
		_, err = io.Copy(c.Out, reader)
		return err
	}
	return show(c.Out, reader)
}

// part is where the output of an action begins and ends (-1: with the run's).
func part(r api.Run, action string) (from, to int64, err error) {
	var names []string
	for i, a := range r.Actions {
		names = append(names, a.Name)
		if a.Name != action {
			continue
		}
		if i+1 < len(r.Actions) {
			return a.Offset, r.Actions[i+1].Offset, nil
		}
		return a.Offset, -1, nil
	}
	return 0, 0, fmt.Errorf("run %s has no action %q; it has: %s", r.ID, action, listed(names))
}

// show prints lines for a terminal, which what a repository prints must not command.
func show(w io.Writer, text io.Reader) error {
	lines := bufio.NewReaderSize(text, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			end := ""
			if line[len(line)-1] == '\n' {
				end = "\n"
			}
			if _, err := io.WriteString(w, status.Printable(strings.TrimRight(string(line), "\r\n"))+end); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// run is one run, as the agent or its history knows it.
func (c *Client) run(ctx context.Context, id string) (r api.Run, err error) {
	if err = c.ask(ctx, "GET", "runs/"+escaped(id), &r); !errors.Is(err, errNoAgent) {
		return r, err
	}
	h, err := c.kept()
	if err != nil {
		return r, err
	}
	defer h.Close(closing)
	return api.Show(ctx, h, id)
}

// unknownRun tells that there is no such run.
func unknownRun(err error) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Status == 404
}

// output is what a run printed, byte by byte.
func (c *Client) output(ctx context.Context, run string, follow bool) (io.ReadCloser, error) {
	path := "runs/" + escaped(run) + "/log"
	if follow {
		path += "?follow"
	}
	text, err := c.open(ctx, "GET", path, http.NoBody)
	if !errors.Is(err, errNoAgent) {
		return text, err
	}
	h, err := c.kept()
	if err != nil {
		return nil, err
	}
	defer h.Close(closing)
	out, err := h.Output(ctx, run)
	if err != nil {
		return nil, err
	}
	size, _, err := out.Size()
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(out, 0, size), out}, err
}
