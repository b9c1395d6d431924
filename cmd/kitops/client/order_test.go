package client

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
)

func TestMoments(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	now := time.Date(2026, 5, 31, 14, 0, 0, 0, zone)
	for text, expected := range map[string]string{
		"18:00": "2026-05-31T18:00:00+02:00", "14:00": "2026-06-01T14:00:00+02:00", "9:30": "2026-06-01T09:30:00+02:00",
		"2026-06-02": "2026-06-02T00:00:00+02:00", "2026-06-02 08:00": "2026-06-02T08:00:00+02:00",
		"2026-06-02T08:00:00Z": "2026-06-02T08:00:00Z",
		"soon":                 "is no time", "25:00": "is no time", "": "is no time",
	} {
		at, err := Moment(text, now)
		got := at.Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, expected) {
			t.Errorf("%q: %s, want %s", text, got, expected)
		}
	}
}

func TestRunsAreFoundByTheirTask(t *testing.T) {
	all := []poller.Standing{
		{Task: "blog", Refs: []poller.RefStanding{{Run: "3"}}},
		{Task: "shop", Refs: []poller.RefStanding{{Run: "1"}, {Run: "2"}}},
		{Task: "busy", Refs: []poller.RefStanding{{Run: "5", Outcome: "running"}, {Run: "6"}}},
	}
	for what, expected := range map[string]string{"shop": "shop 2", "busy": "busy 5", "1": "shop 1", "nosuch": "nosuch nosuch"} {
		if task, run := running(all, what); task+" "+run != expected {
			t.Errorf("%s: %s %s, want %s", what, task, run, expected)
		}
	}
}

// TestAPinDoesNotCancelItsOwnRun has an agent that is quick: it runs the pinned revision by the time it is asked what runs.
func TestAPinDoesNotCancelItsOwnRun(t *testing.T) {
	ref := poller.RefStanding{Ref: "refs/heads/main", Run: "1", SHA: "bb", Outcome: poller.Running, Pinned: &poller.Hold{SHA: "aa"}}
	all := []poller.Standing{{Task: "shop", Refs: []poller.RefStanding{ref}}}
	if run := elsewhere(all, "shop", ""); run != "1" {
		t.Errorf("what runs at another revision: %q", run)
	}
	all[0].Refs[0].SHA = "aa"
	if run := elsewhere(all, "shop", ""); run != "" {
		t.Errorf("%q is cancelled, which runs what was pinned", run)
	}
}

func TestAnAnswerDoesNotCommandTheTerminal(t *testing.T) {
	var out strings.Builder
	c := Client{Out: &out}
	if err := c.tell("shop", api.Ordered{Why: "paused by anna: \x1b[2J"}, nil); err != nil || out.String() != "shop: paused by anna: \\x1b[2J\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
