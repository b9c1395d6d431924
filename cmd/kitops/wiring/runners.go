package wiring

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app/runners"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/bug"
)

const (
	runnersDir = "runners" // below the directory for clones
	// interruptedFarewell is what runners may take once their time is over: to cancel a job, to be ended as actions are,
	// to have their registrations removed.
	interruptedFarewell = 30*time.Second + actions.Grace + 10*time.Second
)

// runnerSets are the scale sets whose jobs run here.
type runnerSets struct {
	agent   *Agent
	boot    string // tells the names of this start's runners from those of others
	changed chan struct{}

	mu      sync.Mutex
	sets    map[string]*runnerSet
	resting bool // nothing is begun: another program is to take over
	ended   bool // ctx is done
	working sync.WaitGroup
}

// runnerSet is one at work.
type runnerSet struct {
	settings.RunnerSet
	set    *runners.Set
	cancel context.CancelFunc
	done   chan struct{}
}

func newRunnerSets(a *Agent) *runnerSets {
	return &runnerSets{agent: a, boot: strings.ToLower(rand.Text()[:6]), changed: make(chan struct{}, 1), sets: map[string]*runnerSet{}}
}

func (r *runnerSets) poke() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// run keeps the sets that the settings name until ctx is done, and returns when all of them have been drained.
func (r *runnerSets) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := bug.Catch(func() error { r.apply(ctx); return nil }); err != nil {
			r.agent.log.Error("runners: a bug of kitops", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-r.changed:
		}
	}
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.working.Wait()
}

// apply makes the sets those of the settings. One that has changed begins anew when the former one has drained.
func (r *runnerSets) apply(ctx context.Context) {
	wanted := r.agent.Catalog.Settings().Runners
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, set := range r.sets {
		if !slices.ContainsFunc(wanted, func(w settings.RunnerSet) bool { return w.Name == name && w.Digest == set.Digest }) {
			set.cancel()
		}
	}
	if r.resting {
		return
	}
	for _, w := range wanted {
		former := r.sets[w.Name]
		if former != nil && former.Digest == w.Digest {
			continue
		}
		set, err := r.make(w)
		if err != nil {
			r.agent.log.Error("runners are not taken over", "runners", w.Name, "err", err)
			continue
		}
		var own context.Context
		own, set.cancel = context.WithCancel(ctx)
		r.sets[w.Name] = set
		r.working.Go(func() {
			defer close(set.done)
			defer set.cancel()
			if former != nil {
				<-former.done
			}
			if own.Err() == nil {
				set.set.Run(own)
			}
			r.forget(set)
		})
	}
}

func (r *runnerSets) forget(set *runnerSet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sets[set.Name] == set {
		delete(r.sets, set.Name)
	}
}

// make wires a set.
func (r *runnerSets) make(w settings.RunnerSet) (*runnerSet, error) {
	a := r.agent
	user, err := runnerUser(w)
	if err != nil {
		return nil, err
	}
	log := a.log.With("runners", w.Name)
	if keyFile := w.GitHub.KeyFile; !user.IsAnother() || keyFile != "" && user.MayRead(keyFile) {
		log.Warn("jobs can read the GitHub App's private key", "remedy", "give runners a user: of their own, and keep the key a file of root's with mode 0600")
	}
	connect, err := a.wiring.runnerAccess(w, log)
	if err != nil {
		return nil, err
	}
	host := cmp.Or(a.settings.Status.Instance, hostName())
	start := &runnerStart{agent: a, set: w, user: user}
	o := runners.Options{
		Name: w.Name, Group: w.Group, Max: w.Max, Min: w.Min, Drain: w.Drain,
		Owner: "kitops on " + host, Prefix: runnerPrefix(host, r.boot), UserAgent: a.wiring.process.Agent,
		Dir: filepath.Join(a.dirs.Path, runnersDir, w.Name), Second: a.wiring.process.Second,
		Connect: connect, Room: start.room, Run: start.run, Stop: start.stop, Remove: start.remove, Hard: a.Kill, Log: log, Waited: func(d time.Duration) { a.metrics.JobBegan(d) },
		Listening:  keeper[runners.Listening](document[runners.Listening]{a.state.Beside, listeningKey(w.Name)}),
		Registered: keeper[runners.Registered](document[runners.Registered]{a.state.Beside, registeredKey(w.Name)}),
	}
	if a.state.shared != nil {
		sharing := newRunnerSharing(a, w.Name)
		o.Sharing, o.Registered = sharing.options(), sharing.of(sharing.name())
	}
	if w.Workdir != "" {
		o.Copy.Template = w.Workdir
	}
	if user.IsAnother() {
		o.Copy.User = &runners.User{Name: user.Name, UID: user.UID, GID: user.GID, Groups: user.Groups}
	}
	start.files = o.Copy
	return &runnerSet{RunnerSet: w, set: runners.New(o), done: make(chan struct{})}, nil
}

// runnerPrefix begins the names of runners, of which GitHub takes 64 characters.
func runnerPrefix(host, boot string) string {
	host = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, host)
	return "kitops-" + host[:min(len(host), 36)] + "-" + boot
}

func keeper[T any](d document[T]) runners.Keeper[T] {
	return runners.Keeper[T]{Load: d.load, Change: d.save}
}

// runnerUser is whom the jobs of a set run as, nil for kitops' own user.
func runnerUser(w settings.RunnerSet) (*actions.User, error) {
	if w.User == settings.SameUser {
		return nil, nil //nolint:nilnil // no user is a valid answer
	}
	user, err := actions.LookupUser(w.User)
	if err == nil && !user.IsAnother() {
		err = fmt.Errorf("%s is kitops' own user, who can read the App's key: name another, or accept that by user: same", w.User)
	}
	if err != nil {
		return nil, fmt.Errorf("runners %s: user: %w", w.Name, err)
	}
	return user, nil
}

// runnersApart tells whether jobs run as another user, who has to get through to their directories.
func runnersApart(s settings.Settings) bool {
	return slices.ContainsFunc(s.Runners, func(w settings.RunnerSet) bool { return w.User != settings.SameUser })
}

// Farewell is what the runners may take to end, 0 where there are none.
func (a *Agent) Farewell() time.Duration {
	a.runners.mu.Lock()
	defer a.runners.mu.Unlock()
	var all []settings.RunnerSet
	for _, set := range a.runners.sets {
		all = append(all, set.RunnerSet)
	}
	return FarewellOf(all)
}

// FarewellOf is what runners of these sets may take to end.
func FarewellOf(sets []settings.RunnerSet) (longest time.Duration) {
	for _, set := range sets {
		longest = max(longest, set.Drain+interruptedFarewell)
	}
	return longest
}

// Draining tells whether jobs are waited for while kitops stops.
func (a *Agent) Draining() bool {
	a.runners.mu.Lock()
	defer a.runners.mu.Unlock()
	return a.runners.ended && len(a.runners.sets) > 0
}

// RestRunners takes no more jobs and waits until those that run have ended, however long. It returns false when ctx is done
// before. WakeRunners goes on with them.
func (a *Agent) RestRunners(ctx context.Context) bool {
	r := a.runners
	r.mu.Lock()
	r.resting = true
	var going []*runnerSet
	for _, set := range r.sets {
		set.set.Rest()
		set.cancel()
		going = append(going, set)
	}
	r.mu.Unlock()
	for _, set := range going {
		select {
		case <-set.done:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// WakeRunners ends what RestRunners began.
func (a *Agent) WakeRunners() {
	a.runners.mu.Lock()
	a.runners.resting = false
	a.runners.mu.Unlock()
	a.runners.poke()
}
