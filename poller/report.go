package poller

import (
	"context"
	"slices"
	"time"
)

// Report is what somebody outside must hear of a run: that it has started, or
// how it ended. It stays in the state until the Reporter has taken it.
type Report struct {
	Run Run    `yaml:"run"`
	URL string `yaml:"url"` // of the repository, as it was then
	To  string `yaml:"to"`  // the task's ReportTo, or that of one of its Notices, as it was then

	Text string `yaml:"text,omitempty"` // of a comment, in base64
	Gone bool   `yaml:"gone,omitempty"` // of a deployment: the pull request is closed; there is no run

	As string `yaml:"as,omitempty"` // the task's ReportAs, as it was when the revision was first reported

	// Note is what the Reporter has noted of earlier reports that went to the same place about the same ref; of deployments
	// about any ref. What it holds when the Reporter returns, also with an error, is saved. It outlives the report, and ends
	// with the memory of the ref, or of the task.
	Note *string `yaml:"-"`

	Change Change    `yaml:"change,omitempty"` // of a notice: what has changed
	Since  time.Time `yaml:"since,omitempty"`  // of a notice: when the first of the failures ended that it is about, or that are over
	Broken string    `yaml:"broken,omitempty"` // and the revision that failed first
	At     time.Time `yaml:"at,omitempty"`     // of a notice: when it came up; zero: when the run ended

	Repeats string `yaml:"repeats,omitempty"` // told anew, although nothing has changed: which time that is
	Remark  string `yaml:"remark,omitempty"`  // and why

	// Of is the note of what is told anew, where that was told before.
	Of string `yaml:"of,omitempty"`
	// Noted is the note where it is not that of the ref, which is another run's.
	Noted *string `yaml:"noted,omitempty"`

	// Doubtful says that it may have been taken: another agent had it before, or an answer was lost.
	Doubtful bool `yaml:"-"`
}

// Reporter delivers a report. It returns nil when the other side has taken it,
// or has refused it for good; after an error it is called again, at most 30
// seconds later, or when *[GatheringError] says. It is called by one goroutine per task and target, in the
// order of the task's events, and by others at the same time.
type Reporter func(ctx context.Context, r Report) error

// GatheringError says that a report is to be told with others, and to be brought again then. Nobody has heard of it, and
// until then another instance may have its lease.
type GatheringError struct{ Until time.Time }

func (e *GatheringError) Error() string {
	return "gathered with others until " + e.Until.UTC().Format(time.TimeOnly)
}

// topic parts the notices of a ref from those of the run that it has.
func (r Report) topic() string {
	switch {
	case r.Change == Late, r.Change == CaughtUp, r.Change == Unwatchable, r.Run.ID == "":
		return string(r.Change) + " " + r.Run.Revision.Ref
	}
	return ""
}

// reporting returns the state with a report added. Of one run only the last
// word counts: that it has started is old news once it has ended.
func (s State) reporting(r Report) State {
	s.Unreported = slices.DeleteFunc(slices.Clone(s.Unreported), func(old Report) bool { return old.Run.ID == r.Run.ID && old.To == r.To && old.topic() == r.topic() })
	s.Unreported = append(s.Unreported, r)
	return s
}

// unreporting returns the state without what a commit has yet to hear of a run.
func (s State) unreporting(run string) State {
	s.Unreported = slices.DeleteFunc(slices.Clone(s.Unreported), func(old Report) bool { return old.Run.ID == run && old.place() == "" })
	return s
}

// goesOn tells whether something of a ref runs, or somebody who has noted something of it has yet to hear how it ended.
func (s State) goesOn(ref string) bool {
	r, there := s.Refs[ref]
	return there && (r.unfinished() || len(r.Notes) > 0 && slices.ContainsFunc(s.Unreported, func(old Report) bool {
		return old.Run.Revision.Ref == ref && old.Change == ""
	}))
}

// reported returns the state without a report that was taken.
func (s State) reported(r Report) State {
	s.Unreported = slices.DeleteFunc(slices.Clone(s.Unreported), func(old Report) bool {
		return old.Run.ID == r.Run.ID && old.Run.Outcome == r.Run.Outcome && old.Run.Reason == r.Run.Reason && old.To == r.To && old.Repeats == r.Repeats && old.topic() == r.topic()
	})
	return s
}

// noted returns the state with what a reporter has noted, unless the ref is gone by now.
func (s State) noted(r Report) State {
	if r.Note == nil || s.noteOf(r) == *r.Note {
		return s
	}
	if _, ok := r.Environment(); ok {
		s.Notes = annotated(s.Notes, r)
		return s
	}
	ref := r.Run.Revision.Ref
	for i, waits := range s.Unreported {
		if waits.Noted != nil && waits.Run.ID == r.Run.ID && waits.To == r.To {
			note := *r.Note
			s.Unreported = slices.Clone(s.Unreported)
			s.Unreported[i].Noted = &note
			return s
		}
	}
	if q, there := s.Queue[ref]; there && q.Run.ID == r.Run.ID && q.To == r.To {
		q.Note = *r.Note
		return s.queueing(ref, q)
	}
	if _, there := s.Refs[ref]; !there || r.Noted != nil {
		return s
	}
	return s.with(ref, func(known *RefState) { known.Notes = annotated(known.Notes, r) })
}

// formOf is the form in which a commit is told: it keeps the one that it began with, whatever ref it is at, since GitHub wants
// all that have a required name to pass.
func (t Task) formOf(s State, sha string) string {
	for _, r := range s.Refs {
		if r.Run != nil && r.Run.Revision.SHA == sha {
			return r.ReportAs
		}
	}
	for _, q := range s.Queue {
		if q.Run.Revision.SHA == sha {
			return q.As
		}
	}
	return t.ReportAs
}

// started adds what the world hears of a run that starts: only of the first
// try at a revision, since a final state is not taken back.
func (t Task) started(s State, run Run) State {
	s.ReportTo = t.ReportTo
	if s = t.vouch(s, run); s.hushed(run) {
		return t.noticeStart(s, run)
	}
	s = t.deploymentStarted(t.noticeStart(s, run), run)
	if t.Fleet {
		s.ReportTo = ""
		return s
	}
	if t.ReportTo == "" || run.Attempt > 1 && !run.resumes && !run.told || t.Brings && run.Action == "" && !run.told {
		return s
	}
	return s.reporting(Report{Run: run, URL: t.URL, To: t.ReportTo, As: s.Refs[run.Revision.Ref].ReportAs})
}

// ended adds what the world hears of a run that has ended, unless that is
// what it has heard of the revision before.
func (t Task) ended(s State, run Run) State {
	if s.hushed(run) {
		return t.noticeEnd(s, run).unreporting(run.ID)
	}
	s = t.commentEnded(t.deploymentEnded(t.noticeEnd(s, run), run), run)
	said := string(run.Outcome) + " " + run.Action
	if run.GaveUp && run.Failures > 1 {
		said += ", gave up"
	}
	heard := s.Refs[run.Revision.Ref].Reported
	if run.Gone && !IsPull(run.Revision.Ref) && s.Refs[run.Revision.Ref].ReportAs == "" { // nobody will look at the commit again
		return s.unreporting(run.ID)
	}
	quiet := t.Silent && run.Outcome == Success && !run.acted && !run.told && !run.passedOver() && heard == "" // else who heard otherwise would go on believing it
	if t.ReportTo == "" || t.Fleet || quiet || heard == said {
		return s
	}
	s = s.with(run.Revision.Ref, func(r *RefState) { r.Reported = said })
	return s.reporting(Report{Run: run, URL: t.URL, To: t.ReportTo, As: s.Refs[run.Revision.Ref].ReportAs})
}
