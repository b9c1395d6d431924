package webhook

import (
	"sync"
	"time"
)

const tallyInterval = time.Minute

// tally counts things of which a stranger can cause any number, so that the log has one line a minute of them.
type tally struct {
	mu    sync.Mutex
	count int
	said  time.Time
}

// note counts one. It returns how many there were since they were last said, or 0 when it is too early to say so again.
func (t *tally) note() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	now := time.Now()
	if !t.said.IsZero() && now.Sub(t.said) < tallyInterval {
		return 0
	}
	n := t.count
	t.count, t.said = 0, now
	return n
}
