package runners

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/secret"
)

// DefaultGroup is the runner group that everybody has.
const DefaultGroup = "Default"

// Variable is where a runner finds its single-use configuration.
const Variable = "ACTIONS_RUNNER_INPUT_JITCONFIG"

// Options of a set. All funcs are needed, and called by several goroutines.
type Options struct {
	Name, Group string        // of the scale set, and of the runner group
	Max, Min    int           // runners together, and idle ones beside the busy ones
	Drain       time.Duration // for busy ones when the set ends
	Owner       string        // of the session, as others are told
	Prefix      string        // of the names of runners; unique for each start of kitops
	UserAgent   string
	Dir         string // of this set alone; each runner has a directory below it
	Copy        Copy   // makes that of a runner
	Second      time.Duration

	Connect    func(context.Context) (Access, error)
	Room       func() error // why there is no room for another runner
	Run        func(context.Context, Process) error
	Stop       func(ctx context.Context, left Runner) error // ends what a kitops that was killed has left
	Remove     func(ctx context.Context, dir string) error
	Listening  Keeper[Listening]
	Registered Keeper[Registered]
	Sharing    *Sharing            // nil: this set is alone
	Waited     func(time.Duration) // hears how long a job has waited for its runner, where this set listens; may be nil
	Hard       <-chan struct{}     // closed: nothing is waited for any more
	Log        *slog.Logger
}

// Process is a runner to be run: Run starts it, waits for it, and ends it when its context does.
type Process struct {
	Name, Dir  string
	Home, Temp string      // its own
	Config     secret.Text // goes into the environment, as Variable, and nowhere else
	RunID      string
	Started    func(group string, interrupt func() error)
	Conclude   func(ctx context.Context, ended error) Conclusion // to be called once, when it has ended
}

// Conclusion says how a runner ended.
type Conclusion struct {
	Worked bool   // it had a job
	Job    string // the job it had; "" where none is known
	Result string // of the job, in GitHub's words; "" where it is not known
	Reason string // what went wrong; "": nothing
}

// Set are the runners of one scale set.
type Set struct {
	o        *Options
	service  *service
	listener *listener // nil: one of the members has it
	member   *member   // nil: the set is alone
	pool     *pool
}

// New returns a set. Nothing happens before Run.
func New(o Options) *Set {
	if o.Second == 0 {
		o.Second = time.Second
	}
	s := &Set{o: &o, service: newService(o.Connect, o.UserAgent)}
	s.pool = newPool(&o, s.service)
	if o.Sharing != nil {
		s.member = newMember(&o, s.service, s.pool)
	} else {
		s.listener = &listener{o: &o, service: s.service, pool: s.pool, kept: o.Listening}
	}
	return s
}

// Run listens and runs until ctx is done, then drains: busy runners have the time that they are given, and each
// registration is removed.
func (s *Set) Run(ctx context.Context) {
	defer s.service.close()
	lasting := context.WithoutCancel(ctx)
	s.pool.sweep(lasting)
	s.guarded(s.pool.measure) // before GitHub is told what there is room for
	var beside sync.WaitGroup
	if s.member != nil {
		attending, end := context.WithCancel(lasting)
		var attended sync.WaitGroup
		attended.Go(func() { s.member.attend(ctx, attending) })
		defer func() {
			end()
			attended.Wait()
			s.member.leave(lasting)
		}()
	} else {
		beside.Go(func() { s.listener.run(ctx) })
	}
	s.guarded(func() { s.pool.run(ctx) })
	beside.Wait()
	if s.member != nil {
		s.member.poke()
		s.member.stop()
	}
	s.guarded(func() { s.pool.drain(lasting) })
}

func (s *Set) guarded(f func()) {
	if err := bug.Catch(func() error { f(); return nil }); err != nil {
		s.o.Log.Error("runners: a bug of kitops", "err", err)
	}
}

// Rest has the end of the set wait for jobs however long they take. It is called before that.
func (s *Set) Rest() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.endless = true
}

// Standing is how a set stands.
type Standing struct {
	Name     string `json:"name"`
	Running  int    `json:"running"` // processes
	Busy     int    `json:"busy"`    // of them, with a job
	Wanted   int    `json:"wanted"`
	Max      int    `json:"max"`
	Untold   int    `json:"untold"`   // jobs that GitHub counts, where this one listens, and of which no message told
	Listener string `json:"listener"` // who listens for the jobs, "" for nobody
	Blocked  bool   `json:"blocked"`  // none is started now
	Why      string `json:"why"`
}

// Standing tells how the set stands now.
func (s *Set) Standing() Standing {
	at := s.pool.standing()
	listener, trouble := s.listener, ""
	if s.member != nil {
		at.Listener, trouble = s.member.whose()
		listener = s.member.leading()
	}
	if listener != nil {
		deaf, more := listener.state()
		trouble, at.Untold = cmp.Or(deaf, trouble), more
	}
	at.Why = cmp.Or(at.Why, trouble)
	return at
}

// seconds is so many seconds, in the unit of tests.
func (o *Options) seconds(n float64) time.Duration { return time.Duration(n * float64(o.Second)) }

// wait waits so long; false when ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// outlasting returns a context that goes on for so long when ctx is done.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return lasting, func() { stop(); cancel() }
}
