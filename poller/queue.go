package poller

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// maxQueued bounds the revisions of a task that are remembered, and reported, as waiting.
const maxQueued = 100

// maxShown is how long a check run is queued for one reason: GitHub calls what has not ended after 14 days stale.
const maxShown = 24 * time.Hour

// What a run waits for, as its Waits has it.
const (
	ForTurn     = "turn"     // a slot, its group, or the next poll
	ForApproval = "approval" // somebody who may write
	ForWindow   = "window"   // one of the task's windows
	ForRequired = "required" // statuses and check runs of others
	ForOthers   = "others"   // other pull requests of its author
	ForResume   = "resume"   // the end of a pause
)

// queued is a revision that is to run and waits: what it is going to run as, and what somebody has heard of that.
type queued struct {
	Run  Run    `yaml:"run"`            // with why it waits
	To   string `yaml:"to,omitempty"`   // where that was reported; "": nowhere
	As   string `yaml:"as,omitempty"`   // in which form
	Note string `yaml:"note,omitempty"` // of the reporter
	Late bool   `yaml:"late,omitempty"` // for so long that it is told of no more, until its run starts
}

// enqueue notes that a revision has to wait, for what and why, and adds what the world hears of that. The run will have the ID.
func (t Task) enqueue(s State, rev git.Revision, waits, why string) State {
	q, there := s.Queue[rev.Ref]
	to, foreign := t.hears(), t.trust(rev).Foreign
	if s.hushed(Run{Revision: rev, Foreign: foreign}) {
		to = ""
	}
	switch {
	case there && q.Late && q.Run.Revision == rev && q.Run.Waits == waits:
		return s
	case there && (q.Run.Revision != rev || q.To != to):
		s = s.replace(t, rev)
		there = false
	case there && q.Run.Waits == waits && (waits == ForTurn || q.Run.Reason == why):
		return s.late(rev.Ref)
	case !there && len(s.Queue) >= maxQueued:
		return s
	}
	now := stamp()
	if !there {
		q = queued{To: to, As: t.formOf(s, rev.SHA), Run: Run{ID: newRunID(now), Task: t.Name, Revision: rev, Attempt: 1, Outcome: Pending, Foreign: foreign}}
		q.Run.Previous = s.Refs[rev.Ref].Applied
	}
	q.Run.Waits, q.Run.Reason, q.Run.Started = waits, why, now
	s = s.queueing(rev.Ref, q)
	if q.To == "" {
		return s
	}
	s.ReportTo = t.ReportTo
	return s.reporting(Report{Run: q.Run, URL: t.URL, To: q.To, As: q.As})
}

// late takes back that a revision waits when that has been told of for a day. It waits all the same, and its run will be told
// of as a new one.
func (s State) late(ref string) State {
	q := s.Queue[ref]
	if q.As == "" || q.To == "" || q.Run.Waits == ForApproval || time.Since(q.Run.Started) < maxShown {
		return s
	}
	s = s.withdraw(ref, "", "never ran: "+q.Run.Reason+", for longer than a day")
	q.To, q.Note, q.Late, q.Run.ID = "", "", true, newRunID(stamp())
	return s.queueing(ref, q)
}

// hears is where it is told that a revision waits: nowhere where that is told of all instances together.
func (t Task) hears() string {
	if t.Fleet {
		return ""
	}
	return t.ReportTo
}

// queueing returns the state with a revision that waits.
func (s State) queueing(ref string, q queued) State {
	s.Queue = maps.Clone(s.Queue)
	if s.Queue == nil {
		s.Queue = map[string]queued{}
	}
	s.Queue[ref] = q
	return s
}

// unqueued returns the state without the revision of a ref that waits.
func (s State) unqueued(ref string) State {
	s.Queue = maps.Clone(s.Queue)
	if delete(s.Queue, ref); len(s.Queue) == 0 {
		s.Queue = nil
	}
	return s
}

// withdraw takes back that a revision waits, which will have no run, for a newer revision or because its ref is gone. What ran
// on that commit before is told once more.
func (s State) withdraw(ref, newer, why string) State {
	q, there := s.Queue[ref]
	if !there {
		return s
	}
	s = s.unqueued(ref)
	run, of := q.Run, ""
	run.Outcome, run.Reason, run.Superseded, run.Finished = Failure, why, newer, stamp()
	before, known := s.ranOn(ref, run.Revision.SHA)
	switch {
	case known && before.Run.Outcome != Pending:
		why, of = "Not run: "+why, before.Notes[q.To]
		run = *before.Run
		run.ID, run.Task, run.Attempt = q.Run.ID, q.Run.Task, q.Run.Attempt
		if q.Run.Waits == ForApproval {
			run.Waits = ForApproval
		}
	case q.As == "" && (known || s.waitsFor(run.Revision.SHA) || strings.HasPrefix(ref, queuePrefix) && newer == ""):
		// The same status tells of another run; the commit of a merge queue may be that of a branch by now.
		q.To = ""
	default:
		why = ""
	}
	if q.To == "" {
		return s.unreporting(run.ID)
	}
	return s.reporting(Report{Run: run, URL: s.URL, To: q.To, As: q.As, Remark: why, Of: of, Noted: &q.Note})
}

// replace takes back that a revision waits, for another one, or for the same that is told of elsewhere.
func (s State) replace(t Task, by git.Revision) State {
	if q := s.Queue[by.Ref]; q.Run.Revision.SHA == by.SHA {
		return s.withdraw(by.Ref, "", "told as "+cmp.Or(t.hears(), "nothing")+" from now on")
	}
	return s.withdraw(by.Ref, by.SHA, supersededError(by.SHA).Error())
}

// ranOn is the ref whose last run was on a commit: a certain one, or another, since they are told of it at the same place.
func (s State) ranOn(ref, sha string) (RefState, bool) {
	for _, name := range append([]string{ref}, slices.Sorted(maps.Keys(s.Refs))...) {
		if r := s.Refs[name]; r.Run != nil && r.Run.Revision.SHA == sha {
			return r, true
		}
	}
	return RefState{}, false
}

// waitsFor tells whether the run of a commit waits.
func (s State) waitsFor(sha string) bool {
	for _, q := range s.Queue {
		if q.Run.Revision.SHA == sha {
			return true
		}
	}
	return false
}

// withdrawAll takes back all that waits.
func (s State) withdrawAll(why string) State {
	for _, ref := range slices.Sorted(maps.Keys(s.Queue)) {
		s = s.withdraw(ref, "", why)
	}
	return s
}

// start is the state when a run starts that may have been told of as waiting: it goes on under the name of that.
func (s State) start(t Task, run *Run) State {
	ref := run.Revision.Ref
	q, there := s.Queue[ref]
	switch {
	case !there:
		return s
	case q.Run.Revision != run.Revision || q.To != t.hears():
		return s.replace(t, run.Revision)
	}
	s = s.unqueued(ref)
	run.ID, run.told = q.Run.ID, q.To != ""
	if !run.told {
		return s
	}
	old := s.Refs[ref].Notes[q.To]
	s.Unreported = slices.Clone(s.Unreported)
	for i, r := range s.Unreported { // of the runs before
		if r.Run.Revision.Ref == ref && r.To == q.To && r.Run.ID != run.ID && r.Noted == nil {
			s.Unreported[i].Noted = &old
		}
	}
	return s.with(ref, func(r *RefState) {
		r.ReportAs, r.Notes = q.As, annotated(r.Notes, Report{To: q.To, Note: &q.Note})
	})
}
