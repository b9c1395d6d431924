package poller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store/lease"
)

const (
	reportWait     = 1                // second before a failed report is tried again, doubled
	maxReportWait  = 30               // seconds
	reportFarewell = 5 * time.Second  // for the last reports when kitops ends
	reportOnce     = 30 * time.Second // for all reports of a --poll-once
)

// outbox brings a task's reports out of the state: those to each place in order,
// and those to several places side by side, so that none holds up another.
type outbox struct {
	w     *watch
	mu    sync.Mutex
	to    map[way]*lane
	last  int             // how many reports the state held
	agent context.Context // for soon; nil: nobody delivers by himself
	own   []string        // the IDs of the last runs that this agent has begun
	idle  sync.WaitGroup
}

// way is one from a document to a place.
type way struct {
	place string
	hold  *lease.Hold // of the document, of which a task may come to have another
}

// lane is a way. Its goroutine lives only while there is something to deliver.
type lane struct {
	*outbox
	way
	from  memory
	busy  bool   // a goroutine delivers
	more  bool   // it must look at the state again
	taken said   // by who delivers: what was taken last, and may be in the state still
	noted string // with that
}

// said is what a report says of which run.
type said struct {
	run, to string
	outcome Outcome
	repeats string
	reason  string // a fleet's changes while the outcome is the same
	topic   string
}

// maxOwn is how many runs are known to be this agent's own: more than go on at once.
const maxOwn = 256

// begins says that the reports of a run are this agent's own.
func (o *outbox) begins(run string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.own = last(append(o.own, run), maxOwn)
}

// notified begins the name of a target of notifications.
const notified = "notify:"

// place is who takes a report: a target of notifications, GitHub for deployments to an environment or for comments, and GitHub for all others.
func (r Report) place() string {
	if strings.HasPrefix(r.To, notified) || strings.HasPrefix(r.To, deployed) || strings.HasPrefix(r.To, commented) {
		return r.To
	}
	return ""
}

// kind is what people call it.
func (r Report) kind() string {
	switch place := r.place(); {
	case strings.HasPrefix(place, notified):
		return "notification"
	case strings.HasPrefix(place, deployed):
		return "deployment"
	case strings.HasPrefix(place, commented):
		return "comment"
	}
	return "commit status"
}

// kick delivers what a memory holds, unless that is being done already. Ctx is the agent's: what is
// delivered must not end with a run or with a lease, since nobody begins anew then.
func (o *outbox) kick(ctx context.Context, from *memory) {
	state := from.State
	if len(state.Unreported) == 0 || o.w.p.Report == nil {
		return
	}
	o.count(state)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.carry(ctx, from)
}

// carry is kick. The caller has the lock.
func (o *outbox) carry(ctx context.Context, from *memory) {
	if o.to == nil {
		o.to = map[way]*lane{}
	}
	for _, r := range from.State.Unreported {
		to := way{r.place(), from.Hold}
		l := o.to[to]
		if l == nil { // with a memory of its own: that of the watch is not for two
			l = &lane{outbox: o, way: to, from: memory{Store: from.Store, Key: from.Key, Format: from.Format, Hold: from.Hold}}
			o.to[to] = l
		}
		if l.more = true; !l.busy {
			l.busy = true
			o.idle.Go(func() { l.deliver(ctx) })
		}
	}
}

// soon is kick, by somebody who has no context of the agent. Where nobody delivers by himself it does nothing.
func (o *outbox) soon(from *memory) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.agent != nil && len(from.State.Unreported) > 0 && o.w.p.Report != nil {
		o.carry(o.agent, from)
	}
}

// serve has soon deliver with ctx, the agent's, until rest.
func (o *outbox) serve(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.agent = ctx
}

// rest ends that, and waits for what is being delivered.
func (o *outbox) rest() {
	o.mu.Lock()
	o.agent = nil
	o.mu.Unlock()
	o.idle.Wait()
}

// count notes how many reports wait.
func (o *outbox) count(state State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w.p.unreported.Add(int64(len(state.Unreported) - o.last))
	o.last = len(state.Unreported)
}

// again tells the delivering goroutine whether to go on.
func (l *lane) again() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy, l.more = l.more, false
	return l.busy
}

// deliver empties the lane. When ctx ends it has a little time left, so that
// the runs that ended with kitops are told of; the rest is for the next agent.
func (l *lane) deliver(ctx context.Context) {
	ctx, cancel := lingering(ctx, reportFarewell)
	defer cancel()
	ctx, cancel = until(ctx, l.w.p.Kill)
	defer cancel()
	mem := l.from // not to be kept with all that it reads
	for l.again() {
		if err := bug.Catch(func() error { return l.empty(ctx, &mem) }); err != nil {
			l.w.tell(Event{Kind: Troubled, Err: err})
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (l *lane) empty(ctx context.Context, mem *memory) error {
	failures := 0
	for wait := l.w.p.seconds(reportWait); ; {
		var left bool
		var undelivered error
		err := l.w.p.owning(ctx, mem, func(ctx context.Context) (err error) {
			for left = true; left && undelivered == nil && err == nil; {
				left, undelivered, err = l.deliverNext(ctx, mem, failures, wait)
				if undelivered == nil {
					wait, failures = l.w.p.seconds(reportWait), 0
				}
			}
			return err
		})
		if err != nil || !left || ctx.Err() != nil {
			return unlessHeld(err)
		}
		pause := wait
		var gathering *GatheringError
		if errors.As(undelivered, &gathering) {
			pause = time.Until(gathering.Until)
		} else {
			failures++
			wait = min(2*wait, l.w.p.seconds(maxReportWait))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// next is the first report that goes this way.
func (l *lane) next(s State) (Report, bool) {
	for _, r := range s.Unreported {
		if r.place() == l.place {
			return r, true
		}
	}
	return Report{}, false
}

// deliverNext brings one report out of the state, and tells whether there was one.
func (l *lane) deliverNext(ctx context.Context, mem *memory, failures int, wait time.Duration) (there bool, undelivered, err error) {
	state, err := mem.Load(ctx)
	if err == nil {
		l.count(state)
	}
	next, there := l.next(state)
	if err != nil || !there || ctx.Err() != nil {
		return false, nil, err
	}
	next.Run.Task = mem.Key
	l.mu.Lock()
	next.Doubtful = failures > 0 || next.Repeats != "" || !slices.Contains(l.own, next.Run.ID)
	l.mu.Unlock()
	before := state.noteOf(next)
	note := before
	next.Note = &note
	if this := (said{next.Run.ID, next.To, next.Run.Outcome, next.Repeats, next.Run.Reason, next.topic()}); l.taken != this { // else it could not be saved that it was taken
		err = bug.Catch(func() error { return l.w.p.Report(ctx, next) })
		if err == nil {
			l.taken, l.noted = this, note
		}
	} else {
		note = l.noted
	}
	if err == nil {
		if err = mem.Save(ctx, func(s State) State { return s.reported(next).noted(next) }); err == nil {
			l.taken = said{} // what says the same from now on says it anew
		}
		return true, nil, err
	}
	if note != before {
		_ = mem.Save(ctx, func(s State) State { return s.noted(next) }) // who has noted nothing asks the other side
	}
	var gathering *GatheringError
	if errors.As(err, &gathering) {
		return true, err, nil
	}
	if ctx.Err() == nil {
		l.w.tell(Event{Kind: Unreported, Run: next.Run, Undelivered: next.kind(), Err: err, Failures: failures, Next: time.Now().Add(wait)})
		return true, err, nil
	}
	return true, ctx.Err(), nil
}

// lingering returns a context that ends some time after ctx has.
func lingering(ctx context.Context, farewell time.Duration) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(farewell, cancel) })
	return after, func() { stop(); cancel() }
}
