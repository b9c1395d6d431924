package service

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows/svc"
)

const (
	largestLog = 10 << 20
	stopHint   = 15_000 // milliseconds in which the service manager waits: actions get 8 s
	usage      = 2      // the exit code for a mistake in the configuration, which no restart mends
)

// Host runs the agent for the service manager if that is who calls. A request to stop is a
// signal to the agent, whose log is a file. The exit code is that of the agent.
func Host(args []string, run func(args []string, log *os.File, stops <-chan os.Signal) int) (code int, hosted bool) {
	if len(args) < 2 || args[0] != HostCommand {
		return 0, false
	}
	log, err := openLog(args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "kitops:", err)
		return 1, true
	}
	defer log.Close()
	stops := make(chan os.Signal, 1)
	h := &host{stops: stops, run: func() int { return run(args[2:], log, stops) }}
	if err := svc.Run(windowsName, h); err != nil {
		fmt.Fprintln(log, "kitops:", fmt.Errorf("answer Windows' service manager: %w", err))
		return 1, true
	}
	return h.code, true
}

// openLog begins a new log when the former is large.
func openLog(path string) (*os.File, error) {
	if sizeOf(path) > largestLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

type host struct {
	stops chan<- os.Signal
	run   func() int
	code  int
}

// Execute is called by the service manager. It reports at once that the service runs: that waits for nothing.
func (h *host) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	status <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	ended := make(chan int, 1)
	go func() { ended <- h.run() }()
	for {
		select {
		case h.code = <-ended:
			if h.code == usage {
				return false, 0 // the log says why, and nothing starts it again
			}
			return h.code != 0, uint32(h.code)
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- request.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: stopHint}
				select {
				case h.stops <- os.Interrupt:
				default: // it stops already
				}
			}
		}
	}
}
