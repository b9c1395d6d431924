package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
)

// Members prints who shares the state. Where no agent runs here the store is asked. The error names
// the tasks that nobody polls, and those whose memory does not read.
func (c *Client) Members(ctx context.Context) error {
	var all poller.Membership
	err := c.ask(ctx, "GET", "members", &all)
	var damaged error
	if errors.Is(err, errNoAgent) {
		all, damaged, err = c.members(ctx)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = c.print(all)
	} else {
		err = c.tabulateMembers(all)
	}
	if err == nil && len(all.Unpolled) > 0 {
		err = fmt.Errorf("no instance polls %s as it should", listed(all.Unpolled))
	}
	return errors.Join(err, damaged)
}

// members are those that the store knows of.
func (c *Client) members(ctx context.Context) (all poller.Membership, damaged, err error) {
	if c.Outside == nil {
		return all, nil, errors.New("no agent runs here: name the store with --state")
	}
	outside, err := c.Outside(ctx)
	if err == nil {
		all, err = outside.Membership(ctx)
	}
	var format *store.FormatError
	if errors.As(err, &format) {
		damaged, err = err, nil
	}
	if err == nil && len(all.Members) == 0 {
		err = errors.Join(errors.New("no instance has given a sign lately"), damaged)
	}
	return all, damaged, err
}

func (c *Client) tabulateMembers(all poller.Membership) error {
	if len(all.Members) == 0 {
		_, err := fmt.Fprintln(c.Out, "the state is this agent's alone")
		return err
	}
	t := table{{"INSTANCE", "HOST", "SINCE", "LAST SIGN", "RUNNING", "POLLS", "LABELS", "BEHIND WITH"}}
	for _, m := range all.Members {
		t = append(t, []string{
			m.Name, fmt.Sprintf("%s (pid %d)", m.Host, m.PID), m.Since.Local().Format(time.DateTime), m.Seen.Local().Format(time.TimeOnly),
			fmt.Sprintf("%d of %d", m.Running, m.Capacity), strconv.Itoa(m.Polls), labels(m.Labels), strings.Join(m.Behind, ", "),
		})
	}
	if err := t.write(c.Out, c.Width); err != nil {
		return err
	}
	each := table{{"TASK", "REF", "INSTANCE", "APPLIED", "LAST RUN"}}
	for _, m := range all.Members {
		for _, f := range m.Each {
			each = append(each, []string{f.Task, short(f.Ref), m.Name, sha7(f.Applied), f.Outcome})
		}
	}
	if len(each) > 1 {
		slices.SortStableFunc(each[1:], func(a, b []string) int { return slices.Compare(a[:2], b[:2]) })
		fmt.Fprintln(c.Out)
		if err := each.write(c.Out, c.Width); err != nil {
			return err
		}
	}
	for _, d := range all.Disputed {
		var sides []string
		for _, names := range d.Definitions {
			sides = append(sides, strings.Join(names, ", "))
		}
		fmt.Fprintf(c.Err, "%s is defined differently on: %s\n", d.Task, strings.Join(sides, " | "))
	}
	return nil
}

func labels(all map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, key+"="+all[key])
	}
	return strings.Join(parts, ",")
}
