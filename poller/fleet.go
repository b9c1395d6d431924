package poller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/members"
)

// fleet is how a revision stands on all instances that run it for themselves.
type fleet struct {
	of     int      // live instances
	have   int      // that have applied it
	failed []string // where it has failed
}

// run is the fleet as if it were one run.
func (f fleet) run(task string, rev git.Revision) Run {
	now := stamp()
	run := Run{ID: "fleet-" + rev.SHA[:min(12, len(rev.SHA))], Task: task, Revision: rev, Attempt: 1, Started: now, Outcome: Pending}
	switch {
	case len(f.failed) > 0:
		names := strings.Join(f.failed[:min(len(f.failed), maxNamed)], ", ")
		if more := len(f.failed) - maxNamed; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		run.Outcome, run.Finished, run.Reason = Failure, now, fmt.Sprintf("failed on %s; %d of %d instances have it", names, f.have, f.of)
	case f.have == f.of:
		run.Outcome, run.Finished, run.Reason = Success, now, fmt.Sprintf("all %d instances have it", f.of)
	}
	return run
}

// fleetOf counts a revision among the memories of live instances.
func fleetOf(rev git.Revision, all map[string]State) fleet {
	f := fleet{of: len(all)}
	for name, s := range all {
		r := s.Refs[rev.Ref]
		switch {
		case r.Applied == rev.SHA:
			f.have++
		case r.Run != nil && r.Run.Revision.SHA == rev.SHA && r.Run.Outcome != Pending && !r.Run.Interrupted():
			f.failed = append(f.failed, name)
		}
	}
	slices.Sort(f.failed)
	return f
}

// fleetStates are the memories that live members have of a task that each runs for itself.
func (p *Poller) fleetStates(task string, v members.View) map[string]State {
	others := p.Members.Documents.Others(task)
	all := map[string]State{}
	for _, m := range v.Live {
		if announced, has := m.Tasks[task]; !has || !announced.Each {
			continue
		}
		var state State
		if m.Owner.ID == p.instance.Owner.ID {
			state, _, _ = p.recalled(task) // one that does not read has nothing
		} else if data := others[m.Owner.Name]; data != nil {
			memory := newMemory(p.Store, task)
			_ = memory.Format.Decode(data, &state) // as above
		}
		all[m.Owner.Name] = state
	}
	return all
}

// reportFleets has one instance report how revisions stand on all of them.
func (p *Poller) reportFleets(ctx context.Context, v members.View) {
	p.mu.Lock()
	var mine []*watch
	for _, w := range p.watches {
		task := w.current()
		who := v.Pollers(task.Name)
		if task.Fleet && task.ReportTo != "" && len(who) > 0 && who[0].Owner.ID == p.instance.Owner.ID {
			mine = append(mine, w)
		}
	}
	p.mu.Unlock()
	for _, w := range mine {
		if err := bug.Catch(func() error { return w.reportFleet(ctx, v) }); unlessHeld(err) != nil && ctx.Err() == nil {
			w.tell(Event{Kind: Troubled, Err: err})
		}
	}
}

// reportFleet adds what has changed to what is to be reported.
func (w *watch) reportFleet(ctx context.Context, v members.View) error {
	w.p.mu.Lock()
	task := w.current()
	w.p.mu.Unlock()
	all := w.p.fleetStates(task.Name, v)
	own := all[w.p.instance.Owner.Name]
	news := map[string]Run{}
	for ref, r := range own.Refs {
		if r.Run == nil {
			continue
		}
		rev := r.Run.Revision
		run := fleetOf(rev, all).run(task.Name, rev)
		if r.Reported != fleetSaid(run) {
			news[ref] = run
		}
	}
	if len(news) == 0 {
		return nil
	}
	mem := w.p.memoryOf(task.Name, task.Each)
	err := w.p.owning(ctx, &mem, func(ctx context.Context) error {
		return mem.Save(ctx, func(s State) State {
			for ref, run := range news {
				if r := s.Refs[ref]; r.Run == nil || r.Run.Revision.SHA != run.Revision.SHA {
					continue // it has moved on
				}
				s = s.with(ref, func(r *RefState) { r.Reported = fleetSaid(run) })
				s = s.reporting(Report{Run: run, URL: task.URL, To: task.ReportTo, As: s.Refs[ref].ReportAs})
			}
			return s
		})
	})
	w.outbox.kick(ctx, &mem)
	return err
}

// fleetSaid is what was told of a revision, to tell it once.
func fleetSaid(run Run) string {
	return run.Revision.SHA[:min(12, len(run.Revision.SHA))] + " " + string(run.Outcome) + " " + run.Reason
}

// Membership is who shares the store with this instance.
type Membership struct {
	Members  []MemberStanding `json:"members"`  // those that have given a sign lately, by name
	Unpolled []string         `json:"unpolled"` // tasks that nobody polls as he should
	Disputed []Dispute        `json:"disputed"` // tasks of which there are several definitions
}

// MemberStanding is how an instance stands.
type MemberStanding struct {
	Name     string            `json:"name"`
	Host     string            `json:"host"`
	PID      int               `json:"pid"`
	Since    time.Time         `json:"since"`
	Seen     time.Time         `json:"seen"` // its last sign of life, by the store's clock
	Capacity int               `json:"capacity"`
	Labels   map[string]string `json:"labels"`
	Running  int               `json:"running"` // runs that go on
	Polls    int               `json:"polls"`   // tasks that are its own to poll
	Behind   []string          `json:"behind"`  // and that it has not polled when it should
	Each     []FleetStanding   `json:"each"`    // what it has of tasks that every instance runs
}

// FleetStanding is what an instance has of a ref.
type FleetStanding struct {
	Task    string `json:"task"`
	Ref     string `json:"ref"`
	Applied string `json:"applied"`
	Outcome string `json:"outcome"` // of the last run
}

// Dispute is a task of which there are several definitions, with the instances of each.
type Dispute struct {
	Task        string     `json:"task"`
	Definitions [][]string `json:"definitions"`
}
