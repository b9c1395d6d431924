package wiring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

const (
	ownersFile = "kitops.owners"
	mostOwners = 16
)

// member is this agent among those that share its store. It asks the store nothing yet.
func (s *sharedStore) member(name string, dirs *RepoDir, log *slog.Logger) (*members.Registry, error) {
	host := hostName()
	if err := members.CheckName(cmp.Or(name, host)); err != nil {
		return nil, &settings.Error{Mistakes: []error{err}}
	}
	in := &lease.Instance{
		Owner: lease.Owner{Name: cmp.Or(name, host), ID: lease.NewID(), Host: host, PID: os.Getpid()},
		Terms: s.terms, Clock: actions.BootClock(),
	}
	var err error
	if in.Predecessors, err = dirs.succeed(in.Owner.ID); err != nil {
		return nil, err
	}
	return members.Open(in, s.root(), log), nil
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "an unknown host"
	}
	return host
}

// enter is all that the agent has to ask a shared store before it can begin: whether that
// excludes, and whether it may have the name. The agent is ready before: nobody knows
// how long a network takes.
func (a *Agent) enter(ctx context.Context) error {
	shared, in := a.state.shared, a.Members
	if shared == nil {
		return nil
	}
	unclean, err := a.state.Prove(ctx)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if unclean != nil {
		a.log.Warn("the store keeps what kitops wrote to try it", "err", unclean)
	}
	if err := in.Claim(ctx); err != nil {
		return fmt.Errorf("%s: %w", shared.objects, err)
	}
	a.wiring.RememberAccounts(ctx, a.state.Beside)
	a.Catalog.Poke() // what the store remembers is known from here on
	terms := in.Instance.Terms
	a.log.Info("shares its state with other instances", "owner", in.Instance.Owner.String(), "store", shared.objects.String(),
		"lease", terms.TTL, "outage", terms.Outage(), "others", len(in.View().Live)-1)
	if shared.unsafe {
		a.log.Warn("leases are shorter than is safe: an action may outlive its lease", "lease", terms.TTL, "remedy", "unset "+testTTL)
	}
	return nil
}

// hearsWithin is how long it takes at most until what another instance saves is known here; 0 where there is none.
func (a *Agent) hearsWithin() time.Duration {
	if a.Members == nil {
		return 0
	}
	return a.Members.Period() + time.Second
}

// entered is enter for --poll-once and the daemon: that ctx has ended meanwhile is no error.
func (a *Agent) entered(ctx context.Context) (ok bool, err error) {
	err = a.enter(ctx)
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // it was told to stop
	}
	return err == nil, err
}

// succeed notes the owner of leases that works in this directory from now on, and
// returns those that did before. They are gone, since this agent has their locks: but
// only those of this boot, for a copy of a directory is on another machine.
func (d *RepoDir) succeed(id string) (gone []string, err error) {
	boot := bootID()
	for _, dir := range append([]string{d.Path}, d.Abandoned...) {
		data, err := files.ReadRegular(filepath.Join(dir, ownersFile), 1<<16)
		if err != nil {
			continue // none, or what it says is not to be trusted
		}
		for line := range strings.Lines(string(data)) {
			of, owner, _ := strings.Cut(strings.TrimSpace(line), " ")
			if boot != "" && of == boot && owner != "" && len(gone) < mostOwners {
				gone = append(gone, owner)
			}
		}
	}
	var b strings.Builder
	for _, owner := range slices.Concat([]string{id}, gone) {
		fmt.Fprintf(&b, "%s %s\n", boot, owner)
	}
	path := filepath.Join(d.Path, ownersFile)
	file, err := files.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = file.WriteString(b.String())
		err = errors.Join(err, file.Close())
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, fmt.Errorf("directory for clones: %w", err)
	}
	return gone, nil
}

// bootID tells one boot of a machine from another, and a machine from its copy. Where
// the system does not say, every lease is waited for.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
