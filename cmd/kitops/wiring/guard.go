package wiring

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bittrance/kitops/poller/store/file"
)

// guardInterval is how long the file of a lock may be gone unnoticed.
const guardInterval = 5 * time.Second

// GuardLocks takes locks anew whose files somebody has removed or replaced, for
// the next agent would take them for free. It runs until ctx is done. The error is
// *[file.LockedError]: another agent was faster, and this one must stop.
func GuardLocks(ctx context.Context, log *slog.Logger, locks ...*file.Lock) error {
	ticker := time.NewTicker(guardInterval)
	defer ticker.Stop()
	said := map[*file.Lock]string{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, lock := range locks {
			renewed, err := lock.Renew()
			if _, ok := errors.AsType[*file.LockedError](err); ok {
				return err
			}
			if renewed {
				log.Warn("the file of a lock was removed or replaced: the lock was taken anew", "file", lock.Path())
			}
			if err == nil {
				said[lock] = ""
			} else if problem := err.Error(); said[lock] != problem {
				said[lock] = problem
				log.Error("the file of a lock is gone, and another agent may start", "file", lock.Path(), "err", err)
			}
		}
	}
}
