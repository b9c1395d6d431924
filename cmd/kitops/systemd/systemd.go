// Package systemd tells the service manager how the agent stands.
//
// It says when the agent is ready, reads its task file again or stops, and that
// it lives, where the unit has a watchdog. It never waits longer than a second
// for systemd to take a message: see sd_notify(3). The watchdog's variables are
// read by systemd's own library.
package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/bittrance/kitops/poller"
)

// notifyLimit is how long systemd may take to take a message.
const notifyLimit = time.Second

const (
	usualStop  = 30 * time.Second // TimeoutStopSec of the unit
	stopMargin = 15 * time.Second // what a stop takes beside the grace of actions
)

// Socket is the address that systemd takes messages at: $NOTIFY_SOCKET. The
// empty one is no systemd, and nothing is told.
type Socket string

// extension is what a stop that waits for jobs asks for, again and again. See EXTEND_TIMEOUT_USEC in sd_notify(3).
const (
	extension     = 30 * time.Second
	extensionPace = time.Second
)

// State tells systemd's feeder how the agent stands.
type State struct {
	Moving   func() bool          // there is a task in time
	Draining func() bool          // the stop waits for jobs
	Grace    func() time.Duration // the longest that actions have to end
}

// Impatient tells whether systemd started this process and cannot be asked to wait while it stops for so long: its unit is not
// of Type=notify. Of a TimeoutStopSec that is long enough nothing is known.
func (s Socket) Impatient(getenv func(string) string, limit time.Duration) bool {
	return s == "" && limit > usualStop && getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid())
}

// Notify reports readiness, feeds the watchdog where the unit asks for
// one and for as long as tasks move, and reports the stop when ctx is done, with the time
// that the grace of actions may take.
// Without systemd it does nothing. What it returns ends that and waits for it.
func (s Socket) Notify(ctx context.Context, state State, log *slog.Logger) (stop func()) {
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
		s.feed(ctx, quit, interval/2, state)
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
func (s Socket) feed(ctx context.Context, quit <-chan struct{}, every time.Duration, state State) {
	var tick, extend <-chan time.Time
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
			if limit := state.Grace() + stopMargin; limit > usualStop { // than which TimeoutStopSec is not shorter
				_ = s.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", limit.Microseconds()))
			}
			ticker := time.NewTicker(extensionPace)
			defer ticker.Stop()
			extend = ticker.C
		case <-extend:
			if state.Draining() {
				_ = s.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", extension.Microseconds()))
			}
		case <-tick:
			if state.Moving() {
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
