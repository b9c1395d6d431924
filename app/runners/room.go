package runners

import "time"

// measure tells whether there is room for another runner.
func (p *pool) measure() {
	full := ""
	if err := p.o.Room(); err != nil {
		full = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch full {
	case p.full:
	case "":
		p.o.Log.Info("runners are started again")
	default:
		p.o.Log.Warn("no new runner is started", "reason", full)
	}
	p.full = full
}

// rest pauses the set. Where runners cannot even be started, what is in the way may soon be over.
func (p *pool) rest(how end, trouble string) {
	longest := 1800.0
	if how.unborn {
		longest = 300
	}
	p.pause = min(max(2*p.pause, p.o.seconds(60)), p.o.seconds(longest))
	p.until, p.reason = time.Now().Add(p.pause), trouble
	log := p.o.Log.With("in_a_row", p.failures, "until", p.until.Truncate(time.Second), "last", trouble)
	if how.unborn {
		log.Error("runners cannot be started, so none is tried for a while")
	} else {
		log.Error("runners end without a job, so no more are started for a while: the runner program may be deprecated, then install the latest in the workdir")
	}
}
