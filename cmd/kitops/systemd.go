package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/bittrance/kitops/poller"
)

// notifySystemd reports readiness, feeds the watchdog where the unit asks for
// one and for as long as tasks move, and reports the stop when ctx is done.
// Without systemd it does nothing.
func notifySystemd(ctx context.Context, moving func() bool, log *slog.Logger) (stop func()) {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Warn("systemd was not told that kitops is ready", "err", err)
	}
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is not fed", "err", err)
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		feed(ctx, quit, interval/2, moving)
	}()
	return func() { close(quit); <-done }
}

// feed tells systemd's watchdog that kitops lives, also while actions get
// their time to end.
func feed(ctx context.Context, quit <-chan struct{}, every time.Duration, moving func() bool) {
	var tick <-chan time.Time
	if every > 0 {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		tick = ticker.C
	}
	stopping := ctx.Done()
	for {
		select {
		case <-quit:
			return
		case <-stopping:
			stopping = nil
			_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
		case <-tick:
			if moving() {
				_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
			}
		}
	}
}

// moving tells whether there is a task that is looked at, or runs, in time. One
// that hangs is no reason to cut off the others; when all do, it is kitops.
func moving(tasks []poller.TaskHealth) bool {
	return len(tasks) == 0 || slices.ContainsFunc(tasks, func(t poller.TaskHealth) bool { return !t.Late })
}

// notifyReloading tells systemd that a reload begins; what it returns, that it is over.
func notifyReloading() (done func()) {
	state := daemon.SdNotifyReloading
	if now := daemon.SdNotifyMonotonicUsec(); now != "" {
		state += "\n" + now // sd_notify(3): demanded by Type=notify-reload
	}
	_, _ = daemon.SdNotify(false, state)
	return func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyReady) }
}
