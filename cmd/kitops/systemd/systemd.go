// Package systemd tells the service manager how the agent stands.
//
// It says when the agent is ready, reads its task file again or stops, and that
// it lives, where the unit has a watchdog. It never waits longer than a second
// for systemd to take a message: see sd_notify(3). The watchdog's variables are
// read by systemd's own library.
package systemd

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/bittrance/kitops/poller"
)

// notifyLimit is how long systemd may take to take a message.
const notifyLimit = time.Second

// Socket is the address that systemd takes messages at: $NOTIFY_SOCKET. The
// empty one is no systemd, and nothing is told.
type Socket string

// Notify reports readiness, feeds the watchdog where the unit asks for
// one and for as long as tasks move, and reports the stop when ctx is done.
// Without systemd it does nothing. What it returns ends that and waits for it.
func (s Socket) Notify(ctx context.Context, moving func() bool, log *slog.Logger) (stop func()) {
	if err := s.tell(daemon.SdNotifyReady); err != nil {
		log.Warn("systemd was not told that kitops is ready", "err", err)
	}
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is not fed", "err", err)
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.feed(ctx, quit, interval/2, moving)
	}()
	return func() { close(quit); <-done }
}

// tell is sd_notify(3), which waits when the other side does not read: not
// longer than notifyLimit.
func (s Socket) tell(state string) error {
	address := &net.UnixAddr{Name: string(s), Net: "unixgram"}
	if address.Name == "" {
		return nil
	}
	conn, err := net.DialUnix(address.Net, nil, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetWriteDeadline(time.Now().Add(notifyLimit)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}

// feed tells systemd's watchdog that kitops lives, also while actions get
// their time to end.
func (s Socket) feed(ctx context.Context, quit <-chan struct{}, every time.Duration, moving func() bool) {
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
			_ = s.tell(daemon.SdNotifyStopping)
		case <-tick:
			if moving() {
				_ = s.tell(daemon.SdNotifyWatchdog)
			}
		}
	}
}

// Moving tells whether there is a task that is looked at, or runs, in time. One
// that hangs is no reason to cut off the others; when all do, it is kitops.
func Moving(tasks []poller.TaskHealth) bool {
	return len(tasks) == 0 || slices.ContainsFunc(tasks, func(t poller.TaskHealth) bool { return !t.Late })
}

// Reloading tells systemd that a reload begins; what it returns, that it is over.
func (s Socket) Reloading() (done func()) {
	state := daemon.SdNotifyReloading
	if now := daemon.SdNotifyMonotonicUsec(); now != "" {
		state += "\n" + now // sd_notify(3): demanded by Type=notify-reload
	}
	_ = s.tell(state)
	return func() { _ = s.tell(daemon.SdNotifyReady) }
}
