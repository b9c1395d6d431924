package poller

import (
	"slices"

	"github.com/bittrance/kitops/poller/git"
)

// supersededError ends a run of which a newer head is there.
type supersededError string // the newer one

func (e supersededError) Error() string { return "superseded by " + string(e)[:min(7, len(e))] }

// overtake ends the runs beside the watch whose refs have newer heads that would run in their place, where the task wants that.
func (w *watch) overtake() {
	if !w.task.Rules.CancelOnPush {
		return
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	for ref, lane := range w.lanes.all {
		if head := w.newer[ref]; head != "" && lane.runs != "" && lane.sha != head {
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
// what it has read may be older than their end.
func leaveToLanes(open map[string]*watch, v *verdict) {
	if len(open) == 0 {
		return
	}
	v.newer = map[string]string{}
	for _, rev := range v.todo {
		if open[rev.Ref] != nil {
			v.newer[rev.Ref] = rev.SHA
		}
	}
	for _, list := range []*[]git.Revision{&v.todo, &v.paused, &v.abandoned, &v.mistaken, &v.outdated, &v.held, &v.closed, &v.unapproved} {
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
