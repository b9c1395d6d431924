package actions

import (
	"context"
	"fmt"
	"time"
)

// killPatience is how long SIGKILL may take: longer means a process that the
// kernel itself holds (a dead network file system), which nobody can end.
const killPatience = 5 * time.Second

// stop ends the tree: asks, waits for grace or kill, then kills until it is empty.
func (t *tree) stop(ctx context.Context, grace time.Duration, kill <-chan struct{}) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	killing, pause := false, time.Millisecond
	t.terminate()
	for {
		alive := t.alive()
		if len(alive) == 0 {
			alive = t.alive() // one look may miss what forks or execs at that moment
		}
		if len(alive) == 0 {
			return nil
		}
		if killing {
			t.kill()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v still live: %w", alive, context.Cause(ctx))
		case <-timer.C:
			if killing {
				return fmt.Errorf("processes %v do not end", alive)
			}
			killing, pause = true, time.Millisecond
			timer.Reset(killPatience)
		case <-kill:
			killing, pause, kill = true, time.Millisecond, nil
			timer.Reset(killPatience)
		case <-time.After(pause):
			pause = min(2*pause, 250*time.Millisecond)
		}
	}
}
