package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// Source is how revisions are brought, and told apart. Its fields are those of a [Task].
type Source struct {
	Checkout  func(ctx context.Context, rev git.Revision, dir string) error
	Verify    func(ctx context.Context, rev git.Revision, since string) (git.Signer, error)
	Changes   func(ctx context.Context, rev git.Revision, since string) (git.Changed, error)
	MergeBase func(ctx context.Context, rev git.Revision, branch string) (string, error)
	Text      func(ctx context.Context, rev git.Revision) (git.Text, error)
}

// source is that of a run: what strangers have written has a mirror of its own.
func (w *watch) source(run Run) Source {
	if run.Foreign {
		return *w.task.Foreign
	}
	return Source{Checkout: w.task.Checkout, Verify: w.task.Verify, Changes: w.task.Changes, MergeBase: w.task.MergeBase, Text: w.task.Text}
}

// userOf is whom the actions of a run are, nil for the agent's own user.
func (p *Poller) userOf(run Run) *actions.User {
	if run.Foreign {
		return p.Untrusted
	}
	return p.User
}

// keeps tells whether the workdir of a run stays for the next one: that of a stranger never does.
func (t Task) keeps(run Run) bool { return t.Keep && !run.Foreign }

const (
	foreignHome = ".home" // beside the workdir; no task is called so there
	foreignTemp = ".tmp"
)

// house makes a HOME and a TMPDIR for the run of a stranger, which go with it, once nothing is left of who came before. It
// returns their variables.
func (w *watch) house(run Run, dir string) ([]string, error) {
	if !run.Foreign {
		return nil, nil
	}
	if err := w.p.endForeign(); err != nil {
		return nil, fmt.Errorf("before the run of a stranger: %w", err)
	}
	user := w.p.userOf(run)
	above := filepath.Dir(dir)
	for _, name := range []string{foreignHome, foreignTemp} {
		if err := makeOwn(filepath.Join(above, name), 0o700, -1); err != nil {
			return nil, fmt.Errorf("make a home for the run: %w", err)
		}
	}
	if user.IsAnother() {
		at, err := files.OpenDir(above)
		if err != nil {
			return nil, fmt.Errorf("make a home for the run: %w", err)
		}
		defer at.Close()
		if err := errors.Join(at.Give(foreignHome, user.UID, user.GID), at.Give(foreignTemp, user.UID, user.GID)); err != nil {
			return nil, fmt.Errorf("make a home for the run: %w", err)
		}
	}
	return []string{"HOME=" + filepath.Join(above, foreignHome), "TMPDIR=" + filepath.Join(above, foreignTemp)}, nil
}

// bereave takes from an action what is not for strangers: secrets, tokens and the agent's environment. What that is is said once.
func (w *watch) bereave(action actions.Action, run Run) actions.Action {
	if !run.Foreign {
		return action
	}
	var missed []string
	for _, name := range slices.Sorted(maps.Keys(action.Environment)) {
		if secret.Named(name) {
			missed = append(missed, name)
		}
	}
	if len(missed) > 0 {
		action.Environment = maps.Clone(action.Environment)
		maps.DeleteFunc(action.Environment, func(name string, _ secret.Text) bool { return secret.Named(name) })
	}
	missed = append(missed, slices.Sorted(maps.Keys(action.Secrets))...)
	if action.Token != nil {
		missed = append(missed, "github_token")
	}
	if action.InheritEnvironment {
		missed = append(missed, "inherit_environment")
	}
	if len(missed) > 0 {
		w.noteOnce(run, "not given to what a stranger has written: "+strings.Join(missed, ", "))
	}
	action.Secrets, action.Token, action.InheritEnvironment = nil, nil, false
	return action
}

// bury ends all that the run of a stranger has started.
func (w *watch) bury(ctx context.Context, run Run) {
	if !run.Foreign {
		return
	}
	now := make(chan struct{})
	close(now)
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, group := range w.groups {
		errs = append(errs, group.Stop(ctx, run.ID, now))
	}
	if err := errors.Join(append(errs, w.p.endForeign())...); err != nil {
		w.tell(Event{Kind: Troubled, Run: run, Err: err})
	}
}

// endForeign ends whatever runs as the untrusted user, who is for nothing else. One run at a time is this user.
func (p *Poller) endForeign() error {
	if !p.Untrusted.IsAnother() || p.User != nil && p.User.UID == p.Untrusted.UID {
		return nil // it is the user of others, too
	}
	return p.Processes.EndAll(p.Untrusted)
}

// foreigners are the runs of strangers, one at a time, and the watches that wait for the end of one.
type foreigners struct {
	turn  *slots
	waits map[*watch]bool // guarded by p.mu
}

const waitsForForeign = "waits for another run of a stranger"

// admitForeign takes the turn of a stranger's run, or has the watch look again when the one that has it ends.
func (w *watch) admitForeign(ctx context.Context) bool {
	p := w.p
	if w.once {
		return p.foreigners.turn.acquire(ctx, w.mem.Key, newHead) == nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.foreigners.turn.try(w.mem.Key) {
		return true
	}
	if p.foreigners.waits == nil {
		p.foreigners.waits = map[*watch]bool{}
	}
	p.foreigners.waits[w] = true
	return false
}

// leaveForeign gives the turn to who waits.
func (p *Poller) leaveForeign(task string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.foreigners.turn.release(task)
	for w := range p.foreigners.waits {
		w.poke()
	}
	p.foreigners.waits = nil
}
