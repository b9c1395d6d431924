package poller

import (
	"maps"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// deployed begins the name of the place that hears of a task's deployments to an environment.
const deployed = "deployment:"

// DeployTo is the name of the place that hears of deployments to an environment.
func DeployTo(environment string) string { return deployed + environment }

// Environment is the one that a report is about that goes to a place of [DeployTo].
func (r Report) Environment() (name string, ok bool) { return strings.CutPrefix(r.To, deployed) }

// deployTo is the place that hears of the deployments of a ref, "" for none: pull requests have one of their own.
func (t Task) deployTo(ref string) string {
	if IsPull(ref) {
		return t.PullDeployTo
	}
	return t.DeployTo
}

// deploymentStarted adds that a deployment is in progress.
func (t Task) deploymentStarted(s State, run Run) State {
	s.DeployTo, s.PullDeployTo = t.DeployTo, t.PullDeployTo
	to := t.deployTo(run.Revision.Ref)
	if to == "" || run.Attempt > 1 && !run.resumes || t.Brings && run.Action == "" {
		return s
	}
	return s.reporting(Report{Run: run, URL: t.URL, To: to})
}

// deploymentEnded adds how a deployment has ended, unless there was none.
func (t Task) deploymentEnded(s State, run Run) State {
	to := t.deployTo(run.Revision.Ref)
	if to == "" || run.Idle() || t.Brings && run.Action == "" && run.Outcome != Success {
		return s
	}
	return s.reporting(Report{Run: run, URL: t.URL, To: to})
}

// deploymentGone adds that what was deployed of a pull request is no longer there, since that is closed.
func (t Task) deploymentGone(s State, rev git.Revision) State {
	if to := t.deployTo(rev.Ref); IsPull(rev.Ref) && to != "" && s.Notes[to] != "" {
		s = s.reporting(Report{Run: Run{Revision: rev}, URL: t.URL, To: to, Gone: true})
	}
	return s
}

// noteOf is what the reporter has noted of earlier reports that went to the same place: about the same ref, or of
// deployments about any of the task's.
func (s State) noteOf(r Report) string {
	if _, ok := r.Environment(); ok {
		return s.Notes[r.To]
	}
	if r.Noted != nil {
		return *r.Noted
	}
	if q, there := s.Queue[r.Run.Revision.Ref]; there && q.Run.ID == r.Run.ID && q.To == r.To {
		return q.Note
	}
	return s.Refs[r.Run.Revision.Ref].Notes[r.To]
}

// annotated is a map of notes with that of a report.
func annotated(notes map[string]string, r Report) map[string]string {
	notes = maps.Clone(notes)
	if notes == nil {
		notes = map[string]string{}
	}
	if notes[r.To] = *r.Note; *r.Note == "" {
		delete(notes, r.To)
	}
	return notes
}
