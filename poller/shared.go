package poller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// shared is what a watch knows of its task where instances share it. It is guarded by p.mu.
type shared struct {
	mine   bool        // this instance is to poll it
	since  time.Time   // that
	orders string      // what people want of it, to see whether that has changed
	open   bool        // a run has not ended, or somebody has yet to hear of one
	waits  bool        // the last look found something that the lease of another instance keeps from being done
	lease  lease.Lease // as it was read last
}

// patience is how many intervals a task may go without a poll that succeeds, beside two
// lengths of a lease, until its member is behind with it.
const patience = 3

// announce tells the other instances which tasks this one has.
func (p *Poller) announce(tasks []Task) {
	if p.Members == nil {
		return
	}
	all := make(map[string]members.Task, len(tasks))
	for _, task := range tasks {
		all[task.Name] = members.Task{Definition: task.Definition, Each: task.Each}
	}
	p.Members.Announce(all)
}

// foreign tells whether another instance is to poll the task.
func (w *watch) foreign() bool {
	if w.p.Members == nil || w.task.Each {
		return false
	}
	w.p.mu.Lock()
	known, mine := !w.shared.since.IsZero(), w.shared.mine
	w.p.mu.Unlock()
	if known {
		return !mine
	}
	return !w.p.Members.Mine(w.task.Name)
}

// leaves leaves a poll that is due to another instance, unless a nudge has asked this one, what it found then waits, or this one
// has the lease for what runs beside the watch, so that the other one leaves all to it.
func (w *watch) leaves() bool {
	if !w.foreign() {
		return false
	}
	w.p.mu.Lock()
	stays := w.nudges.pending || len(w.chased) > 0 || w.shared.waits || w.lanes.leased != nil
	if !stays {
		w.due, w.failures = time.Now().Add(jittered(w.task.Interval)), 0
		w.vitals = vitals{looked: true, began: w.vitals.began}
		w.found = nil // where the heads are, the other knows
	}
	w.p.mu.Unlock()
	if !stays {
		w.tell(Event{Kind: Left, Next: w.due})
	}
	return !stays
}

// spared tells whether to leave a run to the instance that is to poll the task anyway, since
// this one has no slot for it now.
func (w *watch) spared() bool {
	if !w.foreign() {
		return false
	}
	load := w.p.Workload()
	return load.Running >= load.Slots
}

// followMembers does what follows from what others did, until ctx is done.
func (p *Poller) followMembers(ctx context.Context) {
	generation := -1
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Members.Documents.Changed():
		}
		err := bug.Catch(func() error {
			for _, key := range p.Members.Documents.Take() {
				p.heed(key)
			}
			view := p.Members.View()
			p.share(view.Generation != generation)
			p.tellDisputes(view)
			p.reportFleets(ctx, view)
			generation = view.Generation
			return nil
		})
		if err != nil {
			p.tell(Event{Kind: Troubled, Err: err})
		}
	}
}

// heed does what follows from a document that somebody else has changed: a run that was
// cancelled ends, and what was ordered is looked for by who polls the task.
func (p *Poller) heed(key string) {
	state, _, err := p.recalled(key)
	if err != nil {
		p.tell(Event{Kind: Troubled, Task: key, Err: err})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.watches[key]
	if w == nil {
		return
	}
	for _, r := range state.Refs {
		if r.Run != nil && r.Run.Cancelled != "" {
			w.cancelRun(r.Run.ID, cancelledError(r.Run.Cancelled))
		}
	}
	orders := state.orders()
	if orders != w.shared.orders && (w.shared.mine || w.runs != "" || len(w.lanes.all) > 0) {
		w.poke()
	}
	w.shared.orders, w.shared.lease = orders, state.Lease
	w.shared.open = state.unfinished() || len(state.Unreported) > 0
	if !w.shared.mine {
		w.snapshot = state
	}
}

// share pokes the tasks that have become this instance's, those of it that somebody who
// is gone has left a run of, and those that have waited for a lease that is over.
func (p *Poller) share(moved bool) {
	p.mu.Lock()
	var fresh []string
	for name, w := range p.watches {
		if w.shared.since.IsZero() || w.shared.open || w.shared.waits { // of what this instance saves itself nobody tells
			fresh = append(fresh, name)
		}
	}
	p.mu.Unlock()
	for _, name := range fresh {
		p.heed(name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, w := range p.watches {
		if !moved && !w.shared.open && !w.shared.waits && !w.shared.since.IsZero() {
			continue
		}
		mine := w.current().Each || p.Members.Mine(name)
		if mine != w.shared.mine || w.shared.since.IsZero() {
			w.shared.mine, w.shared.since = mine, time.Now()
			if mine {
				w.poke()
			}
		}
		doc, _ := p.Members.Documents.Seen(name)
		if (mine && w.shared.open || w.shared.waits) && w.shared.lease.Owner.ID != p.instance.Owner.ID && w.shared.lease.Ended(doc.Now) {
			w.poke()
		}
	}
}

// Behind are the tasks that this instance should have polled, and has not, sorted.
func (p *Poller) Behind() []string {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	var behind []string
	for name, w := range p.watches {
		if w.shared.since.IsZero() || !w.shared.mine || w.runs != "" {
			continue
		}
		last := w.vitals.succeeded
		if w.shared.since.After(last) {
			last = w.shared.since
		}
		if now.Sub(last) > patience*w.current().pace()+2*p.instance.Terms.TTL {
			behind = append(behind, name)
		}
	}
	slices.Sort(behind)
	return behind
}

// alone are the tasks that no instance polls as it should.
func (p *Poller) alone() map[string]bool {
	all := map[string]bool{}
	if p.Members == nil {
		return all
	}
	for _, name := range p.Members.View().Alone() {
		all[name] = true
	}
	return all
}

// tellDisputes says once of which tasks instances have different definitions.
func (p *Poller) tellDisputes(v members.View) {
	disputed := v.Disputed()
	p.mu.Lock()
	var said []Event
	for name, w := range p.watches {
		text := dispute(disputed[name], w.current().Definition)
		if text != w.dispute && text != "" {
			said = append(said, Event{Kind: Skipped, Task: name, Run: Run{Task: name}, Reason: text})
		}
		w.dispute = text
	}
	p.mu.Unlock()
	for _, e := range said {
		p.tell(e)
	}
}

// dispute names who has another definition of a task than this one, "" for nobody.
func dispute(definitions map[string][]string, mine string) string {
	var others []string
	for definition, names := range definitions {
		if definition != mine {
			others = append(others, names...)
		}
	}
	if len(others) == 0 {
		return ""
	}
	slices.Sort(others)
	n := min(len(others), maxNamed)
	more := ""
	if n < len(others) {
		more = fmt.Sprintf(" and %d more", len(others)-n)
	}
	return "another definition of this task is on " + strings.Join(others[:n], ", ") + more
}

// orders is what people want of a task, as a text that changes with it.
func (s State) orders() string {
	var b strings.Builder
	if s.Paused != nil {
		fmt.Fprintf(&b, "paused %+v\n", *s.Paused)
	}
	for _, ref := range slices.Sorted(maps.Keys(s.Refs)) {
		if r := s.Refs[ref]; r.Order != nil {
			fmt.Fprintf(&b, "%s %+v\n", ref, *r.Order)
		}
		if r := s.Refs[ref]; r.Approved != nil {
			fmt.Fprintf(&b, "%s %+v\n", ref, *r.Approved)
		}
		if r := s.Refs[ref]; r.Pinned != nil {
			fmt.Fprintf(&b, "%s %+v\n", ref, *r.Pinned)
		}
	}
	return b.String()
}
