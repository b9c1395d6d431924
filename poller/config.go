package poller

import (
	"time"

	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// Config is what flags and variables say about polling. Interval and Timeout
// are the defaults of tasks that name none.
type Config struct {
	Interval     time.Duration `env:"INTERVAL" usage:"how often to poll, any positive duration such as 30s or 1h 30m; shortened at random by up to 10 %" value:"DURATION"`
	Timeout      time.Duration `env:"TIMEOUT" usage:"time for one run: fetch and all actions" value:"DURATION"`
	PollOnce     bool          `env:"POLL_ONCE" alias:"once-only" usage:"poll every task that is due, run what is new, exit (also --once-only)"`
	Again        bool          `env:"AGAIN" usage:"with --poll-once: run the heads of all tasks once more, applied or failed"`
	StateFile    string        `env:"STATE_FILE" usage:"the memory between executions" value:"FILE"`
	State        string        `env:"STATE" usage:"instead of --state-file: a store that several instances may share, s3://BUCKET/PREFIX[?endpoint=URL&region=REGION] or azblob://ACCOUNT/CONTAINER/PREFIX[?endpoint=URL]; or file:PATH" value:"URL"`
	LeaseTTL     time.Duration `env:"LEASE_TTL" usage:"on a shared store, after what time another instance may take what one that is dead or cut off had; at least three times the margin that actions need to end" value:"DURATION"`
	Labels       string        `env:"LABELS" usage:"of this instance, by which tasks choose theirs with instances: zone=north,disk=fast" value:"K=V,..."`
	RepoDir      string        `env:"REPO_DIR" usage:"clones and workdirs; made if missing, may be lost at any time (default: a temporary directory)" value:"DIR"`
	KeepWorkdirs Limit         `env:"KEEP_WORKDIRS" usage:"how much of the disk workdirs of earlier runs may hold, whose files the next checkout moves; off for none" value:"SIZE" default:"a tenth of the disk"`
	MaxParallel  int           `env:"MAX_PARALLEL" usage:"runs at the same time" value:"N" default:"the number of CPUs"`
}

// CheckInstance judges the name of an instance.
func CheckInstance(name string) error { return members.CheckName(name) }

// LeaseTerms are those of leases on a shared store, for actions with a grace.
func (c Config) LeaseTerms(grace time.Duration) (lease.Terms, error) {
	return lease.NewTerms(c.LeaseTTL, grace)
}
