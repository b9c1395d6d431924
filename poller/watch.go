package poller

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/git"
)

// watch is the life of one task: a goroutine that looks, runs what is new, and rests.
type watch struct {
	p    *Poller
	task Task
	mem  memory
	once bool // for --poll-once: one look, and each revision it found has one run

	parted <-chan struct{} // closed when nobody changes the memory of this name any more; may be nil
	after  <-chan struct{} // closed when the task whose memory this one takes over has ended; may be nil
	took   chan struct{}   // closed when it has the memory of the task that it was, if there is one
	wake   chan struct{}   // of one: look now
	outbox *outbox

	main  *watch         // of a lane: the watch beside which it runs
	lanes lanes          // the runs beside this watch
	going sync.WaitGroup // lanes

	// Guarded by p.mu.
	next       *Task // what Set wants instead of task
	removed    bool
	deleted    bool          // with its repository: nothing of it is to be remembered
	inherited  bool          // and the memory is another task's
	heir       *watch        // of a repository that had this name before; nil: none, or it has taken its memory
	ended      chan struct{} // closed when it does nothing any more but report
	nudges     nudges
	vitals     vitals
	repository string            // its identity, as far as known
	found      map[string]string // where the refs are that had a run or will have one; replaced, never changed
	others     int               // tags that are no versions
	kept       map[string]bool   // pull requests that wait for somebody to approve of them; replaced, never changed
	crowded    map[string]string // and those that wait for others of their author, by ref; as kept
	waiting    string            // what a run waits for: a slot, say
	snapshot   State             // the memory, as the latest poll or run left it
	shared     shared            // what is known of it and the others that poll it
	dispute    string            // who has another definition of it
	noted      map[string]bool   // what people have heard once
	asked      map[string]asked  // by SHA, of revisions that wait for what is required of them; replaced, never changed

	runs   string // the run that cancel ends
	cancel context.CancelCauseFunc

	due time.Time // the next look

	parked   *Parked         // what the memory knew of the ref's workdir, until the checkout has had it
	prepared bool            // and that it only has to be brought to the revision
	since    *stampOfHost    // of the workdir that was made; nil: it cannot be parked
	groups   []actions.Group // of the actions of the run

	failures               int                  // failed looks in a row
	told                   map[string]string    // ref → SHA that was said to rest
	late                   map[string]time.Time // ref → since when polls find it behind; for who is notified
	chased                 []git.Revision       // revisions of nudges that no look has shown yet
	chases                 int
	vague                  bool   // this look is due to a nudge that promised nothing, and has another
	identity               string // of the repository, as the last look before a run found it
	slot                   bool   // this watch holds one
	leased                 bool   // and the lease on the memory, where instances share the store
	owes                   bool   // the last look without it found something to save
	guard                  atomic.Pointer[actions.Guard]
	groupUntil, leaseUntil atomic.Int64                  // by the clock of the instance
	guarded                string                        // the run that it guards
	acting                 atomic.Pointer[actions.Group] // of the action that goes on
	moved                  bool                          // the last run found its revision gone: a newer head is there
	served                 map[string]int                // in this turn, by ref; for once
	idle                   []git.Revision                // the heads, when the look of once found nothing to do

	signer    string              // of the revision; "": nobody asked
	made      made                // the revision
	former    map[string]RefState // of the runs before
	makers    map[string]made     // by SHA, of heads that are kept back
	scope     scope               // of the run
	pinned    bool                // the revision that runs need not be a head
	ends      time.Time           // when the run that goes on will be out of time
	ref, sha  string              // of a lane
	hearing   bool                // the look does what people have said
	strange   bool                // it is for a stranger's run, whose turn it is
	newer     map[string]string   // by ref of a lane: what the last look would run there
	gone      map[string]bool     // refs of lanes of which the last look wants no run any more
	opens     time.Time           // when what was due at the last look may run
	asks      time.Time           // when to ask again for what is required of it
	stalled   time.Time           // until when no lane starts, since the last could not save
	back      *Hold               // what the outcome of the last run has its ref go back to
	forbidden bool                // somebody has ordered, since the look, that the run must not start
}

// maxServings is how often --poll-once follows a head that moves while it is fetched.
const maxServings = 3

// poke makes the watch look soon. It never blocks: a poke that is pending
// already will see everything that this one would.
func (w *watch) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watch) tell(e Event) {
	e.Task = w.mem.Key
	w.p.tell(e)
}

// current is the task as Set wants it. The caller holds p.mu.
func (w *watch) current() Task {
	if w.next != nil {
		return *w.next
	}
	return w.task
}

// loop is the watch's goroutine. It ends with ctx, or when its task is removed.
func (w *watch) loop(ctx context.Context, delay time.Duration) {
	w.outbox.serve(ctx)
	defer w.outbox.rest()
	w.apart(func() {
		defer close(w.took)
		w.awaitEndings(ctx)
		w.succeed(ctx)
	})
	w.apart(func() {
		_ = w.recover(ctx) // the observers have heard; nothing runs when it failed, since ctx has ended
		w.expect(time.Now().Add(delay))
	})
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.apart(func() { w.closeLanes(); w.rest(ctx) })
			return
		case <-w.wake:
			if w.held(timer) {
				continue
			}
		case <-timer.C:
		}
		w.awaitHeir(ctx)
		if w.superseded() && len(w.openLanes()) > 0 { // the last of them wakes it
			w.expect(time.Time{})
			continue
		}
		if !w.adopt() {
			w.apart(func() {
				w.closeLanes()
				w.withdraw(ctx)
				w.vacate(ctx)
				w.retire(ctx)
			})
			return
		}
		w.apart(func() {
			if w.leaves() {
				return
			}
			_ = w.turn(ctx) // the observers have heard of the errors
			w.expect(w.due)
		})
		timer.Reset(time.Until(w.due))
	}
}

// apart calls f on a stack that goes away again: what a watch rests on stays at
// the 2 KB that a goroutine begins with. A panic ends f, and is told as the bug it is.
func (w *watch) apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := bug.Catch(func() error { f(); return nil }); err != nil {
			w.tell(Event{Kind: Troubled, Err: err})
		}
	}()
	<-done
}

// awaitHeir waits until the repository that had this name before has taken its
// memory along.
func (w *watch) awaitHeir(ctx context.Context) {
	w.p.mu.Lock()
	heir := w.heir
	w.heir = nil
	w.p.mu.Unlock()
	if heir == nil {
		return
	}
	select {
	case <-heir.took:
	case <-ctx.Done():
	}
}

// adopt takes over what Set wants of this watch; false means to end.
func (w *watch) adopt() bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	if w.removed {
		delete(w.p.watches, w.mem.Key)
		close(w.ended)
		return false
	}
	if w.next != nil {
		if w.next.Each != w.task.Each { // another document; all but its key is for this goroutine alone
			m := w.p.memoryOf(w.mem.Key, w.next.Each)
			w.mem.Store, w.mem.Hold, w.mem.State, w.mem.Version = m.Store, m.Hold, State{}, ""
		}
		w.task, w.next, w.failures, w.told = *w.next, nil, 0, nil
	}
	return true
}

// superseded tells whether Set wants something else of this watch.
func (w *watch) superseded() bool {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return w.removed || w.next != nil
}

// heed moves the next look to the first revision that may be tried again.
func (w *watch) heed(s State) {
	now := time.Now()
	if p := s.Paused; p.stands(now) && !p.Until.IsZero() && p.Until.Before(w.due) {
		w.due = p.Until
	}
	for _, r := range s.Refs {
		if r.Run != nil && r.Run.Outcome != Success && r.pausing(now) && r.Retry.Before(w.due) {
			w.due = r.Retry
		}
	}
}

// rest saves when the task is due, for a --poll-once that comes after this agent.
func (w *watch) rest(ctx context.Context) {
	if w.due.IsZero() || w.mem.Hold != nil { // others may go on polling it
		return
	}
	if err := w.saveDue(ctx); err != nil {
		w.tell(Event{Kind: Troubled, Err: err})
	}
}

func (w *watch) saveDue(ctx context.Context) error {
	return w.mem.Save(ctx, func(s State) State {
		s = verdictOnNothing(w.task, s).state
		s.NextPoll = w.nextPoll()
		return s
	})
}

// nextPoll is due as the state has it.
func (w *watch) nextPoll() time.Time { return stampOf(w.due) }

var errInterrupted = errors.New("interrupted")
