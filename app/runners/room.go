package runners

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
