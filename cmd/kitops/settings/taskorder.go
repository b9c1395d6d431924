package settings

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

// rules fills in when a task runs what is new, and how often what has failed.
func (f taskFile) rules(keys *taskKeys) poller.Rules {
	r := poller.Rules{Retry: keys.Retry.value, RollBack: keys.Failing.back.given}
	if r.RollBack && r.Retry == nil && !f.common && !keys.Failing.inherited {
		f.Wrong(keys.Failing.back.node, "on_failure: rollback comes after the last try: say how many there are, such as retry: {times: 3}, or retry: off")
	}
	r.Grace, r.Parallel = f.grace(&keys.Grace), keys.Together.value
	if r.Group = keys.Group.value; r.Group != "" {
		f.judge(keys.Group.node, "group", checkName(r.Group))
	}
	for _, entry := range keys.Windows.entries {
		if entry.value == "" {
			continue
		}
		w, err := poller.ParseWindow(entry.value)
		f.judge(entry.node, "windows", err)
		r.Windows = append(r.Windows, w)
	}
	if keys.Windows.given && len(keys.Windows.entries) == 0 && !f.common {
		f.Wrong(keys.Windows.node, "windows is empty: without it runs start at any time")
	}
	for _, entry := range keys.Requires.entries {
		if entry.value == "" {
			continue
		}
		_, err := app.ParseRequirement(entry.value)
		f.judge(entry.node, "requires", err)
		r.Requires = append(r.Requires, entry.value)
	}
	if keys.Requires.given && len(keys.Requires.entries) == 0 && !f.common {
		f.Wrong(keys.Requires.node, "requires is empty: without it a head waits for nothing")
	}
	r.SkipCI, r.RunOwn = keys.SkipCI.value, keys.Own.value == "run"
	r.Approve = keys.Approve.value == "each"
	r.CancelOnPush = keys.OnPush.value == "cancel"
	r.FinishPulls = keys.OnPush.given && keys.OnPush.value == "finish"
	return r
}

// maxGrace bounds what a stop of kitops may take.
const maxGrace = time.Hour

// grace is the time that actions have to end.
func (f taskFile) grace(of *span) time.Duration {
	if of.value > maxGrace {
		f.Wrong(of.node, "grace is at most 1h: a stop of kitops takes as long")
	}
	return of.value
}

// LongestGrace is the longest time that any action of the task has to end.
func (t Task) LongestGrace() time.Duration {
	longest := cmp.Or(t.Rules.Grace, actions.Grace)
	for _, a := range t.AllActions() {
		longest = max(longest, a.Grace)
	}
	return longest
}

// LongestGrace is the longest time that any action has to end, which the margin of leases on a shared store holds.
func (s Settings) LongestGrace() time.Duration {
	longest := actions.Grace
	for _, t := range s.Tasks {
		longest = max(longest, t.LongestGrace())
	}
	return longest
}

// shortLeases are leases in whose margin the grace of the tasks has no room.
func (s Settings) shortLeases() []error {
	_, err := s.Poller.LeaseTerms(s.LongestGrace())
	if err == nil || s.Poller.State == "" || s.LongestGrace() == actions.Grace {
		return nil
	}
	return []error{fmt.Errorf("--lease-ttl: with the grace of these tasks %w", err)}
}

// rulesShown are the rules as a task file has them.
func (t Task) rulesShown(keys *taskKeys) {
	r := t.Rules
	if r.Retry != nil {
		keys.Retry = retries{given(), r.Retry}
	}
	if r.Grace > 0 {
		keys.Grace = span{given(), r.Grace}
	}
	if r.Parallel > 0 {
		keys.Together = count{given(), r.Parallel}
	}
	if r.Group != "" {
		keys.Group = text{given(), r.Group}
	}
	if len(r.Windows) > 0 {
		var all []string
		for _, w := range r.Windows {
			all = append(all, w.String())
		}
		keys.Windows = shownTexts(all)
	}
	if len(r.Requires) > 0 {
		keys.Requires = shownTexts(r.Requires)
	}
	if r.SkipCI {
		keys.SkipCI = boolean{given(), true}
	}
	if r.RunOwn {
		keys.Own = text{given(), "run"}
	}
	if r.Approve {
		keys.Approve = text{given(), "each"}
	}
	if r.CancelOnPush {
		keys.OnPush = text{given(), "cancel"}
	}
	if r.FinishPulls {
		keys.OnPush = text{given(), "finish"}
	}
	keys.Failing = aftermath{list: actionsShown(t.OnFailure)}
	if r.RollBack {
		keys.Failing.given, keys.Failing.back = true, given()
	}
}
