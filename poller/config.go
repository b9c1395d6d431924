package poller

import "time"

// Config is what flags and variables say about polling. Interval and Timeout
// are the defaults of tasks that name none.
type Config struct {
	Interval     time.Duration `env:"INTERVAL" usage:"how often to poll, any positive duration such as 30s or 1h 30m; shortened at random by up to 10 %" value:"DURATION"`
	Timeout      time.Duration `env:"TIMEOUT" usage:"time for one run: fetch and all actions" value:"DURATION"`
	PollOnce     bool          `env:"POLL_ONCE" alias:"once-only" usage:"poll every task that is due, run what is new, exit (also --once-only)"`
	StateFile    string        `env:"STATE_FILE" usage:"the memory between executions" value:"FILE"`
	RepoDir      string        `env:"REPO_DIR" usage:"clones and workdirs; made if missing, may be lost at any time (default: a temporary directory)" value:"DIR"`
	KeepWorkdirs Limit         `env:"KEEP_WORKDIRS" usage:"how much of the disk workdirs of earlier runs may hold, whose files the next checkout moves; off for none" value:"SIZE" default:"a tenth of the disk"`
	MaxParallel  int           `env:"MAX_PARALLEL" usage:"runs at the same time" value:"N" default:"the number of CPUs"`
}
