package poller

import (
	"context"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// queuedSeconds is how long a revision waits for its run until that is reported.
const queuedSeconds = 2

// reportQueued reports a new head whose run has to wait by a commit status, unless stop is called before long.
func (w *watch) reportQueued(ctx context.Context, rev git.Revision, rank int, why string) (stop func()) {
	if rank != newHead || w.task.ReportTo == "" || w.task.ReportAs != "" || w.task.Fleet || w.task.Brings || rev.SHA == "" {
		return func() {}
	}
	var saving sync.WaitGroup
	saving.Add(1)
	timer := time.AfterFunc(w.p.seconds(queuedSeconds), func() {
		defer saving.Done()
		m := w.p.memoryOf(w.mem.Key, w.task.Each)
		err := unlessHeld(w.p.owning(ctx, &m, func(ctx context.Context) error {
			return m.Save(ctx, func(s State) State { return w.task.queued(s, rev, why) })
		}))
		if err != nil {
			w.tell(Event{Kind: Troubled, Err: err})
		}
		w.outbox.kick(ctx, &m)
	})
	return func() {
		if timer.Stop() {
			saving.Done()
		}
		saving.Wait()
	}
}

// queued adds what the world hears of a run that has to wait. The run will have its ID.
func (t Task) queued(s State, rev git.Revision, why string) State {
	s = verdictOnNothing(t, s).state
	r := s.Refs[rev.Ref]
	if r.Run != nil && r.Run.Revision.SHA == rev.SHA || r.Queued != nil && r.Queued.Revision == rev {
		return s
	}
	s = t.dequeued(s, rev)
	now := stamp()
	run := Run{ID: newRunID(now), Task: t.Name, Revision: rev, Attempt: 1, Started: now, Outcome: Pending, Reason: why}
	s.ReportTo = t.ReportTo
	s = s.with(rev.Ref, func(r *RefState) { r.Queued = &run })
	return s.reporting(Report{Run: run, URL: t.URL, To: t.ReportTo})
}

// dequeued takes back what was said of another head of the ref, which will never run.
func (t Task) dequeued(s State, rev git.Revision) State {
	old := s.Refs[rev.Ref].Queued
	if old == nil {
		return s
	}
	s = s.with(rev.Ref, func(r *RefState) { r.Queued = nil })
	if old.Revision.SHA == rev.SHA || t.ReportTo == "" {
		return s
	}
	run := *old
	run.Outcome, run.Reason, run.Superseded, run.Finished = Failure, supersededError(rev.SHA).Error(), rev.SHA, stamp()
	return s.reporting(Report{Run: run, URL: t.URL, To: t.ReportTo})
}
