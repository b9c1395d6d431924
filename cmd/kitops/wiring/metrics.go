package wiring

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/status/metrics"
	"github.com/bittrance/kitops/webhook"
)

// measure binds the address of the metrics and counts from now on; nil where there is none.
func (a *Agent) measure(ctx context.Context) (*metrics.Server, error) {
	if a.settings.Metrics.Address == "" {
		return nil, nil //nolint:nilnil // off is a valid answer
	}
	server, err := metrics.Listen(ctx, a.settings.Metrics.Address, a.log)
	if err != nil {
		return nil, err
	}
	a.metrics = metrics.New(metrics.Sources{
		Tasks: a.names, Snapshot: a.Snapshot, Workload: a.Workload, Mirror: a.wiring.mirrorBytes, GitHub: a.wiring.apps.use, Notified: a.notified, Runners: a.runners.measured, KeyEnds: a.wiring.keyEnds,
		Version: strings.TrimPrefix(a.wiring.process.Agent, "kitops/"),
	})
	a.Observers = append(a.Observers, a.metrics.Observe)
	return server, nil
}

// notified are the numbers of what targets were told.
func (a *Agent) notified() []metrics.Notified {
	var all []metrics.Notified
	for _, d := range a.sender.Deliveries() {
		all = append(all, metrics.Notified{To: d.To, Sent: d.Sent, Refused: d.Refused, Failed: d.Failed, Succeeded: d.Succeeded})
	}
	return all
}

// names are the tasks that are watched.
func (a *Agent) names() []string {
	all := a.Health()
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return names
}

// NudgeAll and NudgeTask are what a person asks for, and counted as such.
func (a *Agent) NudgeAll() {
	a.metrics.Nudged(metrics.Order, 1)
	a.Poller.NudgeAll()
}

// NudgeTask tells whether there is such a task.
func (a *Agent) NudgeTask(name string) bool {
	a.metrics.Nudged(metrics.Order, 1)
	return a.Poller.NudgeTask(name)
}

// count notes what a delivery brought.
func (h *Hooks) count(source string, e webhook.Event) {
	h.metrics.Nudged(source, len(e.Nudges))
	for _, n := range e.Nudges {
		if e.Verified {
			h.metrics.Announced(n.SHA, e.At)
		}
	}
}

func (h *Hooks) counter(source string) func(webhook.Result) {
	return func(r webhook.Result) { h.metrics.Delivered(source, string(r)) }
}

// use sums up what the Apps have asked of GitHub.
func (a *apps) use() metrics.GitHub {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := metrics.GitHub{Requests: map[int]int64{}, Remaining: map[string]int64{}}
	for _, known := range a.known {
		use := known.Use()
		for code, n := range use.Requests {
			all.Requests[code] += n
		}
		for account, n := range use.Remaining {
			if other, twice := all.Remaining[account]; !twice || n < other {
				all.Remaining[account] = n
			}
		}
	}
	return all
}

// mirrorBytes is the room that a task's clone takes, with those of its submodules.
func (w *Wiring) mirrorBytes(task string) (bytes int64, there bool) {
	w.mu.Lock()
	mirror := w.clones[task]
	w.mu.Unlock()
	if mirror == nil {
		return 0, false
	}
	found, _ := os.ReadDir(w.mirrors.dir)
	for _, entry := range found {
		owner, _, _ := strings.Cut(entry.Name(), submoduleMark)
		if mirror.Keeps(filepath.Join(w.mirrors.dir, owner)) {
			bytes, there = bytes+bytesBelow(filepath.Join(w.mirrors.dir, entry.Name())), true
		}
	}
	return bytes, there
}

// bytesBelow adds up the files of a directory. Those that come and go meanwhile count as they are met.
func bytesBelow(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // gone by now
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
