package app

import (
	"sync"
	"time"
)

const (
	firstDenial = 30 * time.Second
	longDenial  = 15 * time.Minute
)

// denial is a "no" that is believed for a while instead of being asked for again: first for the recheck time, then doubled.
type denial struct {
	mu    sync.Mutex
	err   error
	until time.Time
	pause time.Duration
}

// standing is the no, or nil when it is time to ask.
func (d *denial) standing() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil && time.Now().Before(d.until) {
		return d.err
	}
	return nil
}

// last is the no even when its time is over.
func (d *denial) last() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// note keeps a no and returns it.
func (d *denial) note(err error, recheck time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.err == nil || !now.Before(d.until) {
		d.pause = min(max(2*d.pause, recheck), max(longDenial, recheck))
		d.until = now.Add(d.pause)
	}
	d.err = err
	return err
}

func (d *denial) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.pause = nil, 0
}
