package runners

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// farewell is what an interrupted runner has to tell GitHub that its job is cancelled, in seconds.
const farewell = 30

// drain ends all runners. Idle ones end if GitHub agrees that they are; busy ones get no signal for as long as the set
// gives them, then SIGINT, and what is left is ended as actions are.
func (p *pool) drain(ctx context.Context) {
	p.mu.Lock()
	p.draining = true
	var all []*runner
	for _, r := range p.running {
		all = append(all, r)
	}
	p.mu.Unlock()
	if len(all) > 0 {
		p.o.Log.Info("waiting for the jobs of runners", "runners", len(all), "at_most", p.o.Drain)
	}
	var ending sync.WaitGroup
	for _, r := range all {
		ending.Go(p.guarded(func() { r.drain(ctx) }))
	}
	ending.Wait()
	p.work.Wait()
	p.clean(ctx)
}

func (r *runner) drain(ctx context.Context) {
	r.p.mu.Lock()
	limit := r.p.o.Drain
	if r.p.endless {
		limit = longestJob
	}
	r.p.mu.Unlock()
	patience := time.NewTimer(limit)
	defer patience.Stop()
	pause := r.p.o.seconds(0.5)
	for !r.retire(ctx) { // busy, or not yet registered, or GitHub does not answer
		again := time.NewTimer(pause)
		pause = min(2*pause, r.p.o.seconds(15))
		select {
		case <-r.over:
			again.Stop()
			return
		case <-again.C:
			continue
		case <-r.p.o.Hard:
		case <-patience.C:
		}
		again.Stop()
		r.end()
		return
	}
	<-r.over
}

// end interrupts a runner, and ends it when it does not take notice.
func (r *runner) end() {
	r.p.mu.Lock()
	r.drained = true
	interrupt, cancel := r.interrupt, r.cancel
	r.p.mu.Unlock()
	if interrupt != nil {
		if err := interrupt(); err == nil {
			select {
			case <-r.over:
				return
			case <-r.p.o.Hard:
			case <-time.After(r.p.o.seconds(farewell)):
			}
		}
	}
	if cancel != nil {
		cancel()
	}
	<-r.over
}

// remember saves a runner.
func (p *pool) remember(ctx context.Context, r Runner) error {
	return p.o.Registered.Change(ctx, func(all Registered) Registered { all.set(r); return all })
}

// deregister removes the registration of a runner whose process is no more. Gone says that GitHub had removed it. One that
// cannot be removed yet is kept, and tried again.
func (p *pool) deregister(ctx context.Context, r Runner) (gone bool, err error) {
	defer func() {
		if err != nil && !errors.Is(err, errBusy) {
			p.o.Log.Warn("runners: the registration of a runner is not removed yet", "runner", r.Name, "err", err)
		}
	}()
	there := false
	if !r.Removed {
		if there, err = p.service.dismiss(ctx, r); err != nil {
			return false, err
		}
	}
	if err := p.o.Registered.Change(ctx, func(all Registered) Registered { all.drop(r.Name); return all }); err != nil {
		p.o.Log.Warn("runners: not saved that a registration is removed", "runner", r.Name, "err", err)
	}
	return !there, nil
}

// clean tries again to remove registrations of runners that are no more.
func (p *pool) clean(ctx context.Context) {
	held, err := p.o.Registered.Load(ctx)
	if err != nil {
		p.o.Log.Warn("runners: it cannot be read which registrations are left", "err", err)
		return
	}
	for _, r := range held.Runners {
		p.mu.Lock()
		lives := p.running[r.Name] != nil
		p.mu.Unlock()
		if !lives {
			_, _ = p.deregister(ctx, r) // it tells
		}
	}
}

// sweep ends what a kitops that was killed has left running, and removes its directories.
func (p *pool) sweep(ctx context.Context) {
	held, err := p.o.Registered.Load(ctx)
	if err != nil {
		p.o.Log.Warn("runners: it cannot be read what an earlier start has left", "err", err)
	}
	var ending sync.WaitGroup
	for _, r := range held.Runners {
		ending.Go(p.guarded(func() {
			if err := p.o.Stop(ctx, r); err != nil {
				p.o.Log.Warn("runners: processes of an earlier start live on", "runner", r.Name, "err", err)
			}
		}))
	}
	ending.Wait()
	if err := p.o.Remove(ctx, p.o.Dir); err != nil {
		p.o.Log.Warn("runners: what an earlier start left cannot be removed", "dir", p.o.Dir, "err", fmt.Errorf("%w", err))
	}
	p.work.Go(p.guarded(func() { p.clean(ctx) }))
}
