package actions

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// killPatience is how long SIGKILL may take: longer means a process that the
// kernel itself holds (a dead network file system), which nobody can end.
const killPatience = 5 * time.Second

// leastKills is how often it is tried all the same: where others take all of the
// CPU, the list of processes alone takes seconds.
const leastKills = 8

// LeftError names processes that were left alone although their action was
// stopped: they may as well be another one's.
type LeftError struct{ Processes []string }

func (e *LeftError) Error() string {
	return "left alone, since another action may have started them: " + strings.Join(e.Processes, ", ")
}

// looks is how often nothing must be found to believe it.
const looks = 4

// stop ends the tree: asks, waits for grace or kill, then kills until it is empty.
func (t *tree) stop(ctx context.Context, grace time.Duration, kill <-chan struct{}) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	killing, kills, pause, longest := false, 0, time.Millisecond, 250*time.Millisecond
	t.terminate()
	for {
		alive := t.alive()
		for range looks { // one may miss what executes a program at that moment
			if len(alive) == 0 {
				alive = t.alive()
			}
		}
		if len(alive) == 0 {
			return nil
		}
		if killing {
			t.kill()
			kills++
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v still live: %w", alive, context.Cause(ctx))
		case <-timer.C:
			if kills >= leastKills {
				return fmt.Errorf("processes %v do not end", alive)
			}
			if killing {
				timer.Reset(longest)
				continue
			}
			killing, pause, longest = true, time.Millisecond, 20*time.Millisecond
			timer.Reset(killPatience)
		case <-kill:
			killing, pause, longest, kill = true, time.Millisecond, 20*time.Millisecond, nil
			timer.Reset(killPatience)
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
}
