package poller

import (
	"context"
	"sync"
	"time"
)

// drain counts the runs that go on, and keeps others from beginning while the
// agent is about to be replaced. The zero value is ready.
type drain struct {
	mu      sync.Mutex
	going   map[string]Run // by task, and by ref where several run at once
	idle    chan struct{}  // closed when the last one ends; nil: nobody waits
	holding chan struct{}  // closed when runs may begin again; nil: they may
}

// enter begins a run, unless runs are held: then it returns what is closed when
// they are not any more.
func (d *drain) enter(key, task string) (held <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holding != nil {
		return d.holding
	}
	if d.going == nil {
		d.going = map[string]Run{}
	}
	d.going[key] = Run{Task: task}
	return nil
}

func (d *drain) started(key string, run Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.going[key] = run
}

func (d *drain) leave(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.going, key)
	if len(d.going) == 0 && d.idle != nil {
		close(d.idle)
		d.idle = nil
	}
}

// wait returns what is closed when no run goes on, nil when none does now and
// others are held from here on. Hold holds them from here on in any case.
func (d *drain) wait(hold bool) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	none := len(d.going) == 0
	if d.holding == nil && (none || hold) {
		d.holding = make(chan struct{})
	}
	if none {
		return nil
	}
	if d.idle == nil {
		d.idle = make(chan struct{})
	}
	return d.idle
}

func (d *drain) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holding != nil {
		close(d.holding)
		d.holding = nil
	}
}

// Going are the runs that go on, those that have not been saved yet without a
// revision.
func (p *Poller) Going() []Run {
	p.drain.mu.Lock()
	defer p.drain.mu.Unlock()
	var all []Run
	for _, run := range p.drain.going {
		all = append(all, run)
	}
	return all
}

// Drain waits until no run goes on, and keeps runs from beginning from then on;
// after patience it keeps them from beginning at once. No run is cut off. It
// returns false when ctx is done before. Resume lets runs begin again.
func (p *Poller) Drain(ctx context.Context, patience time.Duration) bool {
	enough := time.After(patience)
	for hold := false; ; {
		idle := p.drain.wait(hold)
		if idle == nil {
			return true
		}
		select {
		case <-idle:
		case <-enough:
			hold = true
		case <-ctx.Done():
			p.drain.release()
			return false
		}
	}
}

// Resume ends what Drain began.
func (p *Poller) Resume() { p.drain.release() }
