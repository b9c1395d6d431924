package poller

// Snapshot is a task as its latest poll or run left it, in memory: no store is asked.
type Snapshot struct {
	State   State             // not to be changed
	Heads   map[string]string // where the refs are that had a run or will have one; nil before the first poll
	Waiting bool              // for a slot
	Kept    map[string]bool   // pull requests that wait for somebody to approve of them; not to be changed
}

// Snapshot returns a task's, and false where no such task is watched. It may be
// called by anyone at any time, observers included.
func (p *Poller) Snapshot(task string) (Snapshot, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.watches[task]
	if w == nil {
		return Snapshot{}, false
	}
	return Snapshot{State: w.snapshot, Heads: w.found, Waiting: w.waits(), Kept: w.kept}, true
}

// publish lets others see what the memory holds.
func (w *watch) publish() {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	to := w
	if w.main != nil {
		to = w.main
	}
	to.snapshot = w.mem.State
}

// Workload is what a poller has to do at a moment.
type Workload struct {
	Running    int // slots that are taken
	Slots      int
	Unreported int // reports that have yet to arrive
}

// Workload may be called by anyone at any time.
func (p *Poller) Workload() Workload {
	return Workload{Running: int(p.running.Load()), Slots: max(1, p.Parallel), Unreported: int(p.unreported.Load())}
}
