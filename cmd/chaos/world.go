//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// world is all that there is.
type world struct {
	plan    plan
	dir     string
	begun   time.Time
	github  *apptest.GitHub
	app     *apptest.App
	repos   []*apptest.Repository // one for each task
	store   *server
	members []*member

	outages sync.Mutex // held while the weather is another

	mu     sync.Mutex
	heads  map[string][]string // task and ref → SHAs in their order
	faults []fault
	aways  []span // of the store, for all
}

// fault is what was done to a member.
type fault struct {
	at     time.Duration // of the boot clock
	agent  int           // its process
	member string
	what   string
	until  time.Duration // of a stop
}

type span struct{ from, to time.Duration }

func newWorld(ctx context.Context, p plan, dir string) (w *world, err error) {
	w = &world{plan: p, dir: dir, begun: time.Now(), heads: map[string][]string{}}
	kept := filepath.Join(dir, "github")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return nil, err
	}
	const plenty = 1 << 30
	lag := 200 * time.Millisecond // of what is pushed, as GitHub has it
	w.github, err = apptest.Start(apptest.Options{
		Dir: kept, Unchecked: true, RateLimit: plenty, Lag: apptest.Lag{Commit: lag, Ref: lag, Git: lag},
	})
	if err != nil {
		return nil, err
	}
	w.github.AddOrg("acme")
	w.app = w.github.RegisterApp("acme", "kitops of acme", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"},
	})
	if err := os.WriteFile(filepath.Join(dir, "app.pem"), w.app.PrivateKey(), 0o600); err != nil {
		return w, errors.Join(err, w.close())
	}
	for i := range p.tasks {
		w.repos = append(w.repos, w.github.AddRepository("acme", taskName(i), apptest.RepositoryOptions{Private: true}))
		for _, ref := range refs() {
			w.push(i, ref)
		}
	}
	w.app.Install("acme", nil)
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(w.tasks()), 0o600); err != nil {
		return w, errors.Join(err, w.close())
	}
	if w.store, err = startServer(ctx, p, dir); err != nil {
		return w, errors.Join(err, w.close())
	}
	if err := w.newMembers(); err != nil {
		return w, errors.Join(err, w.close())
	}
	return w, nil
}

func taskName(i int) string { return "t" + strconv.Itoa(i) }

// tasks is the task file.
func (w *world) tasks() string {
	self, _ := os.Executable() // else its members have said so
	var b strings.Builder
	b.WriteString("tasks:\n")
	for i, repo := range w.repos {
		fmt.Fprintf(&b, `  - name: %s
    git: {url: %q, branches: [%s]}
    interval: %s
    actions:
      - {entrypoint: %q, args: [%s], environment: {CHAOS_PLACE: %q, CHAOS_UNIT: %s}}
`, taskName(i), repo.CloneURL(), strings.Join(refs(), ", "), w.interval(), self, actionArg, w.dir, w.plan.unit())
	}
	return b.String()
}

// unit is what the lengths of actions are measured by.
func (p plan) unit() time.Duration {
	const longest = 30 * time.Second
	return min(p.ttl, longest)
}

// interval is that of polls.
func (w *world) interval() time.Duration { return max(2*time.Second, w.plan.ttl/3) }

// push moves a ref of a task.
func (w *world) push(task int, ref string) {
	name := taskName(task) + " refs/heads/" + ref
	w.mu.Lock()
	n := len(w.heads[name])
	w.mu.Unlock()
	sha := w.repos[task].Push(ref, map[string]string{"file": ref + strconv.Itoa(n)})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heads[name] = append(w.heads[name], sha)
}

// close ends everything.
func (w *world) close() error {
	for _, m := range w.members {
		if m.cmd != nil {
			m.signal(9)
			<-m.ended
		}
		m.proxy.close()
	}
	if w.store != nil {
		w.store.close()
	}
	return w.github.Close()
}

// say prints a line with the time since the beginning.
func (w *world) say(format string, args ...any) {
	fmt.Printf("%6.0fs  "+format+"\n", append([]any{time.Since(w.begun).Seconds()}, args...)...)
}
