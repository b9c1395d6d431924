package poller

import (
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git"
)

// supersededError ends a run of which a newer head is there.
type supersededError string // the newer one

func (e supersededError) Error() string { return "superseded by " + string(e)[:min(7, len(e))] }

// goneError ends a run of a ref that comes and goes, and is gone.
type goneError string // the ref

func (e goneError) Error() string {
	if IsPull(string(e)) {
		return "the pull request is closed or no longer watched"
	}
	return "left the merge queue"
}

// queuePrefix begins the branches that a merge queue makes for its tests, and removes when it needs them no more.
const queuePrefix = "refs/heads/gh-readonly-queue/"

// fleeting tells whether a ref is gone when nobody wants its run any more: that of a pull request, and of a merge queue.
func fleeting(ref string) bool { return IsPull(ref) || strings.HasPrefix(ref, queuePrefix) }

// Overtaken tells whether the run was ended since nobody wants to know any more how it ends: a newer head is there, or its
// ref is gone.
func (r Run) Overtaken() bool { return r.Superseded != "" || r.Gone }

// overtake ends the runs beside the watch whose refs have newer heads that would run in their place, where the task wants
// that, and those of pull requests and merge queues that are gone.
func (w *watch) overtake() {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	for ref, lane := range w.lanes.all {
		switch head := w.newer[ref]; {
		case lane.runs == "":
		case w.gone[ref]:
			lane.cancelRun(lane.runs, goneError(ref))
		case head != "" && lane.sha != head && w.task.Rules.cancels(ref):
			lane.cancelRun(lane.runs, supersededError(head))
		}
	}
}

// cancelRun ends a run of this watch, or of one beside it. The caller holds p.mu.
func (w *watch) cancelRun(run string, why error) {
	if w.runs == run && w.cancel != nil {
		w.cancel(why)
	}
	for _, lane := range w.lanes.all {
		lane.cancelRun(run, why)
	}
}

// leaveToLanes leaves out what is said of refs that run beside the watch, or did when the look began:
// what it has read may be older than their end. Heads are those that were found.
func leaveToLanes(open map[string]*watch, v *verdict, heads []git.Revision) {
	if len(open) == 0 {
		return
	}
	v.newer, v.gone = map[string]string{}, map[string]bool{}
	for ref := range open {
		v.gone[ref] = fleeting(ref) && !slices.ContainsFunc(heads, func(head git.Revision) bool { return head.Ref == ref })
	}
	for _, rev := range v.todo {
		if open[rev.Ref] != nil {
			v.newer[rev.Ref] = rev.SHA
		}
	}
	for _, list := range []*[]git.Revision{&v.todo, &v.paused, &v.abandoned, &v.mistaken, &v.outdated, &v.held, &v.closed, &v.unapproved, &v.barred, &v.crowded, &v.lacking, &v.calmed, &v.slowed} {
		*list = slices.DeleteFunc(*list, func(rev git.Revision) bool { return open[rev.Ref] != nil })
	}
}

// waits tells whether a run waits for something. The caller holds p.mu.
func (w *watch) waits() bool {
	for _, lane := range w.lanes.all {
		if lane.waiting != "" {
			return true
		}
	}
	return w.waiting != ""
}

// waitsLane tells whether a run beside the watch has yet to get its slot.
func (w *watch) waitsLane(lane *watch) bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return lane.waiting != ""
}

// waitsByRef are what runs wait for; "" stands for all refs. The caller holds p.mu.
func (w *watch) waitsByRef() map[string]string {
	if !w.waits() {
		return nil
	}
	all := map[string]string{"": w.waiting}
	for ref, lane := range w.lanes.all {
		all[ref] = lane.waiting
	}
	return all
}
