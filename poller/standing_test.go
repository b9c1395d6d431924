package poller

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// TestWhyNothingRuns has a case for each branch of decide, and for what keeps decide from being asked.
func TestWhyNothingRuns(t *testing.T) {
	now := time.Date(2026, 5, 4, 14, 0, 0, 0, time.Local)
	const ref, a, b = "refs/heads/main", "aaaa", "bbbb"
	head := git.Revision{Ref: ref, SHA: a}
	task := Task{Name: "shop", URL: "u", Refs: git.Patterns{ref}, Actions: "new", Digest: "d"}
	ran := func(outcome Outcome, change func(*RefState)) map[string]RefState {
		r := RefState{Applied: b, Run: &Run{Revision: head, Outcome: outcome, Attempt: 3, Started: now.Add(-time.Hour), Finished: now.Add(-2 * time.Minute)}}
		if change != nil {
			change(&r)
		}
		return map[string]RefState{ref: r}
	}
	here := live{here: true, vitals: vitals{looked: true}}
	for name, c := range map[string]struct {
		state State
		live  live
		want  string
	}{
		"running":            {State{Refs: ran(Pending, nil)}, here, "running since 13:00"},
		"cut off":            {State{Refs: ran(Pending, nil)}, live{}, "was running when kitops ended; runs again when it is back"},
		"applied":            {State{Refs: ran(Success, nil)}, here, "applied 2 min ago"},
		"applied by another": {State{Refs: map[string]RefState{ref: {Applied: a}}}, here, "applied"},
		"outdated":           {State{Refs: ran(Success, func(r *RefState) { r.Run.Actions = "old" })}, here, "applied; the actions have changed since and run with the next commit"},
		"pausing":            {State{Refs: ran(Failure, func(r *RefState) { r.Retry = now.Add(5 * time.Minute) })}, here, "pausing until 14:05 after 3 failed tries"},
		"mistaken":           {State{Refs: ran(Error, func(r *RefState) { r.Run.Mistake = "d" })}, here, "a mistake in the revision itself: waits for another head"},
		"mistaken before":    {State{Refs: ran(Error, func(r *RefState) { r.Run.Mistake = "other" })}, here, "runs with the next poll"},
		"due":                {State{Refs: ran(Failure, nil)}, here, "runs with the next poll"},
		"due, no slot":       {State{Refs: ran(Failure, nil)}, live{here: true, waits: map[string]string{"": "waiting for a slot"}}, "waiting for a slot"},
		"cancelled":          {State{Refs: ran(Failure, func(r *RefState) { r.Run.Mistake, r.Run.Cancelled = "d", "anna" })}, here, "cancelled by anna; kitops again shop"},
		"being cancelled":    {State{Refs: ran(Pending, func(r *RefState) { r.Run.Cancelled = "anna" })}, here, "being cancelled by anna"},
		"cancelled, cut off": {State{Refs: ran(Pending, func(r *RefState) { r.Run.Cancelled = "anna" })}, live{}, "cancelled by anna; kitops again shop"},
		"pinned":             {State{Refs: ran(Success, func(r *RefState) { r.Pinned = &Hold{By: "anna", SHA: a, Reason: "the sale"} })}, here, "pinned to aaaa by anna: the sale"},
		"pinned, not there":  {State{Refs: ran(Success, func(r *RefState) { r.Pinned = &Hold{By: "anna", SHA: b} })}, here, "runs with the next poll"},
		"rolled back":        {State{Refs: ran(Success, func(r *RefState) { r.Pinned = &Hold{By: "anna", SHA: a, Back: true} })}, here, "rolled back to aaaa by anna"},
		"forward again":      {State{Refs: ran(Success, func(r *RefState) { r.Pinned = &Hold{By: "anna", SHA: b, Back: true, From: b} })}, here, "applied 2 min ago"},
		"paused":             {State{Paused: &Hold{By: "anna", Until: now.Add(4 * time.Hour), Reason: "the sale"}, Refs: ran(Failure, nil)}, here, "paused by anna until 18:00: the sale"},
		"paused and applied": {State{Paused: &Hold{By: "anna"}, Refs: ran(Success, nil)}, here, "applied 2 min ago"},
		"paused long ago":    {State{Paused: &Hold{By: "anna", Until: now}, Refs: ran(Failure, nil)}, here, "runs with the next poll"},
		"ordered":            {State{Refs: ran(Success, func(r *RefState) { r.Order = &waiting{What: Again} })}, here, "runs with the next poll"},
		"remembered":         {State{Remembered: headSet{{Ref: ref, SHA: a}}}, here, "remembered at the first poll, not run"},
		"remembered, moved":  {State{Remembered: headSet{{Ref: ref, SHA: b}}}, here, "runs with the next poll"},
		"new":                {State{}, here, "runs with the next poll"},
	} {
		c.state.URL = "u"
		if got := why(task, c.state, head, c.live, now); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		task Task
		live live
		want string
	}{
		"first poll":  {task, live{here: true}, "the first poll is under way"},
		"failing":     {task, live{here: true, vitals: vitals{err: errors.New("no route"), failures: 2, due: now.Add(time.Minute)}}, "error: no route; next try 14:01"},
		"put off":     {task, live{here: true, vitals: vitals{err: &LaterError{Err: errors.New("rate limit")}, due: now.Add(24 * time.Hour)}}, "put off: rate limit; next try 5 May 14:00"},
		"no match":    {Task{Name: "shop", URL: "u", Refs: git.Patterns{"refs/heads/release/*"}}, here, "no branch matches release/*"},
		"no pull":     {Task{Name: "shop", URL: "u", Refs: git.Patterns{"refs/pull/*/head"}}, here, "no open pull request matches"},
		"neither":     {Task{Name: "shop", URL: "u", Refs: git.Patterns{"refs/heads/release/*", "refs/pull/*/head"}}, here, "no branch matches release/*; no open pull request matches"},
		"no version":  {Task{Name: "shop", URL: "u", Refs: git.Patterns{"refs/tags/*", "refs/pull/*/head"}, Versions: &git.Versions{}}, here, "no tag is a " + (&git.Versions{}).String() + "; no open pull request matches"},
		"no branches": {task, here, "the repository has no branches yet"},
		"never ran":   {task, live{}, "nothing has run yet"},
	} {
		if got := standing(c.task, State{URL: "u"}, c.live, now).Why; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestStandingsOfARunningAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "release/1 b")
		b := newBench(t, r.task("deploy", "main", "release/*"))
		stop := b.start(t)
		defer stop()
		brief := func() string {
			all, err := b.Standings(t.Context())
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			var text []string
			for _, r := range all[0].Refs {
				text = append(text, strings.TrimPrefix(r.Ref, "refs/heads/")+" "+r.Head[:1]+" "+r.Why)
			}
			return strings.Join(text, ", ")
		}
		one, known, err := b.StandingOf(t.Context(), "deploy")
		want(t, "one by its name", fmt.Sprintf("%s %d %t %v", one.Task, len(one.Refs), known, err), "deploy 2 true <nil>")
		_, known, err = b.StandingOf(t.Context(), "nosuch")
		want(t, "one that is not there", fmt.Sprint(known, err), "false <nil>")
		want(t, "at first", brief(), "main a applied just now, release/1 b remembered at the first poll, not run")
		r.push("release/1", "c")
		elapse(3 * time.Minute)
		want(t, "later", brief(), "main a applied 3 min ago, release/1 c applied 2 min ago")
		r.remove("release/1")
		elapse(time.Minute)
		want(t, "when it is gone", brief(), "main a applied 4 min ago")
	})
}

func TestAMomentIsSaidAsPreciselyAsItNeeds(t *testing.T) {
	now := time.Date(2026, 12, 31, 14, 0, 0, 0, time.Local)
	for expected, at := range map[string]time.Time{
		"01:00": now.Add(11 * time.Hour), "2 Jan 14:00": now.AddDate(0, 0, 2), "3 Feb 2031 00:00": time.Date(2031, 2, 3, 0, 0, 0, 0, time.Local),
	} {
		if text := near(at, now); text != expected {
			t.Errorf("%q, want %q", text, expected)
		}
	}
}
