package poller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/members"
)

// queuedSeconds is how long a revision waits for its slot or its group until that is reported.
const queuedSeconds = 2

// reportQueued reports a revision whose run has to wait for its turn, unless stop is called before long.
func (w *watch) reportQueued(ctx context.Context, rev git.Revision, why string) (stop func()) {
	if w.task.ReportTo == "" || w.task.Fleet || rev.SHA == "" {
		return func() {}
	}
	var saving sync.WaitGroup
	saving.Add(1)
	timer := time.AfterFunc(w.p.seconds(queuedSeconds), func() {
		defer saving.Done()
		m := w.p.memoryOf(w.mem.Key, w.task.Each)
		err := unlessHeld(w.p.owning(ctx, &m, func(ctx context.Context) error {
			return m.Save(ctx, func(s State) State {
				s = verdictOnNothing(w.task, s).state
				silent := w.task.Brings && s.Queue[rev.Ref].To == "" // until it is known whether there is something to run
				if silent || !s.Refs[rev.Ref].shows(rev) {
					return s
				}
				return w.task.enqueue(s, rev, ForTurn, why)
			})
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

// shows tells whether it is told of a revision that it waits: not of a retry, whose revision has been told how it ended.
func (r RefState) shows(rev git.Revision) bool {
	return r.Order != nil || r.Run == nil || r.Run.Revision.SHA != rev.SHA
}

// withdraw takes back all that waits of a task that is gone, and has those hear of it who were told that it fails.
func (w *watch) withdraw(ctx context.Context) {
	w.p.mu.Lock()
	inherited := w.inherited
	w.p.mu.Unlock()
	if inherited || w.watchedElsewhere() {
		return
	}
	state, err := w.mem.Load(ctx)
	if err == nil && (len(state.Queue) > 0 || len(state.alarming()) > 0) {
		notices := w.p.noticesOf(w.task)
		err = unlessHeld(w.p.owning(ctx, &w.mem, func(ctx context.Context) error {
			return w.mem.Save(ctx, func(s State) State {
				return s.withdrawAll("the task is not watched any more").noticeUnwatched(notices, time.Now())
			})
		}))
		w.outbox.kick(ctx, &w.mem)
	}
	if err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

// watchedElsewhere tells whether another instance has the task.
func (w *watch) watchedElsewhere() bool {
	if w.p.Members == nil || w.task.Each {
		return false
	}
	return slices.ContainsFunc(w.p.Members.View().Live, func(m members.Member) bool {
		_, has := m.Tasks[w.mem.Key]
		return has && m.Owner.ID != w.p.instance.Owner.ID
	})
}

// enqueue notes what is to run and has to wait for somebody or for some time, and takes back what will not run.
func (v *verdict) enqueue(t Task, now time.Time) {
	if len(v.unapproved)+len(v.crowded)+len(v.held)+len(v.closed)+len(v.lacking)+len(v.slowed)+len(v.state.Queue) == 0 {
		return
	}
	before := v.state.Queue
	due := map[string]string{}
	for _, list := range [][]git.Revision{v.todo, v.unapproved, v.crowded, v.held, v.closed, v.lacking, v.slowed} {
		for _, rev := range list {
			if _, there := before[rev.Ref]; there {
				due[rev.Ref] = rev.SHA
			}
		}
	}
	at := v.ends(before)
	for _, ref := range slices.Sorted(maps.Keys(before)) {
		switch sha, head := due[ref], at[ref]; {
		case sha == before[ref].Run.Revision.SHA:
		case sha != "":
			v.state = v.state.withdraw(ref, sha, supersededError(sha).Error())
		case head == "":
			v.state = v.state.withdraw(ref, "", goneText(ref))
		case head == before[ref].Run.Revision.SHA: // somebody has replaced the order to run it again
			v.state = v.state.withdraw(ref, "", "there is nothing to run any more")
		default:
			v.state = v.state.withdraw(ref, head, supersededError(head).Error())
		}
	}
	v.wait(t, v.unapproved, ForApproval, t.approvalText)
	v.wait(t, v.crowded, ForOthers, t.crowdedText)
	v.wait(t, v.held, ForResume, func(git.Revision) string { return v.state.Paused.text("paused", now) })
	v.wait(t, v.closed, ForWindow, func(git.Revision) string { return t.Rules.Windows.opensText(now) })
	v.wait(t, v.lacking, ForRequired, func(rev git.Revision) string { return v.state.asked[rev.SHA].told() })
	v.wait(t, v.slowed, ForTurn, func(git.Revision) string { return "waits, since the task seems to push its heads itself" })
	if !maps.EqualFunc(before, v.state.Queue, func(a, b queued) bool { return a == b }) {
		v.changed, v.told = true, true
	}
}

// ends is where refs are, or what has taken their place; nothing for one that is gone.
func (v *verdict) ends(of map[string]queued) map[string]string {
	at := map[string]string{}
	find := newHeadSet(v.heads).finder()
	for ref := range of {
		if sha, seen := find(ref); seen {
			at[ref] = sha
		} else if strings.HasPrefix(ref, tagPrefix) && v.version != "" {
			at[ref], _ = find(v.version)
		}
		if p := v.state.Refs[ref].Pinned; p != nil {
			at[ref] = p.SHA
		}
	}
	return at
}

// wait notes that revisions have to wait.
func (v *verdict) wait(t Task, revs []git.Revision, waits string, why func(git.Revision) string) {
	for _, rev := range revs {
		if !v.state.Refs[rev.Ref].shows(rev) {
			continue
		}
		text, q := why(rev), v.state.Queue[rev.Ref]
		if waits == ForResume && q.Run.Waits == waits && !v.state.Paused.Since.After(q.Run.Started) {
			text = q.Run.Reason // the same pause, of which there is less left
		}
		v.state = t.enqueue(v.state, rev, waits, text)
	}
}

// goneText says that a ref is not there any more.
func goneText(ref string) string {
	if fleeting(ref) {
		return goneError(ref).Error()
	}
	return fmt.Sprintf("%s is gone", git.Revision{Ref: ref}.Name())
}
