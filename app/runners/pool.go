package runners

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
)

const (
	surplusLimit = 300 // seconds that an idle runner may be one too many
	quick        = 60  // seconds; who ends sooner and had no job does not work
	strikes      = 3   // of those in a row pause the set
	unheard      = 120 // seconds until a job that has ended is heard of
)

// pool keeps the runners of a set.
type pool struct {
	o       *Options
	service *service
	wake    chan struct{} // of one
	work    sync.WaitGroup

	mu       sync.Mutex
	set      int64 // at GitHub; 0: not known yet
	wanted   int
	running  map[string]*runner
	ended    map[string]time.Time // had a job of which the listener has not heard the end
	results  map[string]Told      // of jobs that ended, by runner
	titles   map[string]Told      // of jobs that began, by runner
	count    int                  // of all that were ever started
	surplus  time.Time            // since when there has been one too many; zero: there is not
	failures int                  // quick ends in a row
	pause    time.Duration        // the last
	until    time.Time            // nothing is started
	reason   string               // why not
	full     string               // why there is no room
	draining bool
	endless  bool // draining waits for as long as jobs take
	open     bool // GitHub was told that jobs are taken
	repoll   context.CancelFunc
}

// end is how a runner ended.
type end struct {
	worked bool // it had a job
	over   bool // which has ended, too
	failed bool // it is of no use
	unborn bool // since it could not be started
}

func newPool(o *Options, s *service) *pool {
	return &pool{
		o: o, service: s, wake: make(chan struct{}, 1),
		running: map[string]*runner{}, ended: map[string]time.Time{}, results: map[string]Told{}, titles: map[string]Told{},
	}
}

func (p *pool) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// serve says which scale set runners are for.
func (p *pool) serve(set int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = set
}

// want says how many runners the jobs need.
func (p *pool) want(n int) {
	p.mu.Lock()
	p.wanted = n
	p.mu.Unlock()
	p.poke()
}

// took notes the job of a runner.
func (p *pool) took(t Told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun(t)
}

func (p *pool) begun(t Told) {
	if r := p.running[t.Runner]; r != nil && !r.busy {
		r.busy = true
		p.titles[t.Runner] = t
		p.failures, p.pause = 0, 0
	}
}

// finish notes the end of a job.
func (p *pool) finish(t Told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished(t)
}

func (p *pool) finished(t Told) {
	delete(p.ended, t.Runner)
	if r := p.running[t.Runner]; r != nil && !r.done {
		r.done = true
		p.results[t.Runner] = t
		if r.heard != nil {
			close(r.heard)
			r.heard = nil
		}
	}
}

// follow has a member do what was published.
func (p *pool) follow(at Listening, member string) {
	p.mu.Lock()
	for _, j := range at.Jobs {
		if j.Started {
			p.begun(j.Told)
		}
	}
	for _, t := range at.Ended {
		p.finished(t)
	}
	p.set, p.wanted = at.ScaleSet, at.Shares[member]
	p.mu.Unlock()
	p.poke()
}

// capacity is how many jobs GitHub may assign together.
func (p *pool) capacity() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open = p.blocked() == ""; !p.open {
		return 0 // those that are assigned stay
	}
	return p.o.Max
}

// turned tells whether the capacity is another than the one that GitHub was told, and has the poll begin anew then.
func (p *pool) turned() {
	if open := p.blocked() == ""; open != p.open && p.repoll != nil {
		p.repoll()
	}
}

// polling says how a poll is ended that tells GitHub the wrong capacity.
func (p *pool) polling(end context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.repoll = end
}

// blocked is why no runner is started now, "" for nothing.
func (p *pool) blocked() string {
	switch {
	case p.draining:
		return "kitops is stopping"
	case time.Now().Before(p.until):
		return fmt.Sprintf("pausing until %s: %s", p.until.Format("15:04:05"), p.reason)
	}
	return p.full
}

func (p *pool) standing() Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Standing{Name: p.o.Name, Running: len(p.running), Wanted: min(p.o.Max, p.wanted+p.o.Min), Max: p.o.Max, Why: p.blocked()}
	s.Blocked = s.Why != ""
	for _, r := range p.running {
		if r.busy && !r.done {
			s.Busy++
		}
	}
	return s
}

// run starts and retires runners until ctx is done.
func (p *pool) run(ctx context.Context) {
	tick := time.NewTicker(p.o.seconds(5))
	defer tick.Stop()
	clean := time.NewTicker(p.o.seconds(30))
	defer clean.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clean.C:
			p.work.Go(p.guarded(func() { p.clean(ctx) }))
		case <-p.wake:
		case <-tick.C:
		}
		if err := bug.Catch(func() error { p.adjust(ctx); return nil }); err != nil {
			p.o.Log.Error("runners: a bug of kitops", "err", err)
		}
	}
}

func (p *pool) guarded(f func()) func() {
	return func() {
		if err := bug.Catch(func() error { f(); return nil }); err != nil {
			p.o.Log.Error("runners: a bug of kitops", "err", err)
		}
	}
}

// adjust starts what is missing, and retires an idle runner that has been too many for long.
func (p *pool) adjust(ctx context.Context) {
	p.measure()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turned()
	now, useful := time.Now(), 0
	for name, at := range p.ended {
		if now.Sub(at) > p.o.seconds(unheard) {
			delete(p.ended, name)
		}
	}
	for _, r := range p.running {
		if !r.done {
			useful++
		}
	}
	missing := min(max(0, p.wanted-len(p.ended))+p.o.Min, p.o.Max) - useful
	switch {
	case missing >= 0:
		p.surplus = time.Time{}
	case p.surplus.IsZero():
		p.surplus = now
	case now.Sub(p.surplus) >= p.o.seconds(surplusLimit):
		p.surplus = now
		p.work.Go(p.guarded(func() { p.retireOne(ctx) }))
	}
	if p.set == 0 || p.blocked() != "" || ctx.Err() != nil {
		return
	}
	for range min(missing, p.o.Max-len(p.running)) {
		p.count++
		r := newRunner(p, fmt.Sprintf("%s-%d", p.o.Prefix, p.count))
		p.running[r.name] = r
		p.work.Go(p.guarded(func() { r.live(ctx) }))
	}
}

// retireOne ends one idle runner, if GitHub agrees that it is one.
func (p *pool) retireOne(ctx context.Context) {
	p.mu.Lock()
	var idle *runner
	for _, r := range p.running {
		if !r.busy && !r.done && r.id != 0 && (idle == nil || r.began.Before(idle.began)) {
			idle = r
		}
	}
	p.mu.Unlock()
	if idle != nil {
		idle.retire(ctx)
	}
}

// left is told by a runner that is no more.
func (p *pool) left(r *runner, how end) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, r.name)
	delete(p.titles, r.name)
	delete(p.results, r.name)
	switch {
	case how.worked:
		p.failures, p.pause = 0, 0
		if how.over && !r.done {
			p.ended[r.name] = time.Now()
		}
	case how.failed:
		p.failures++
		if p.failures >= strikes {
			p.rest(how, r.trouble)
		}
	}
	p.poke()
}
