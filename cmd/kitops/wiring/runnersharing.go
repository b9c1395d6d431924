package wiring

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/app/runners"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// runnerSharing is how members that share a store have a scale set together.
type runnerSharing struct {
	members *members.Registry
	beside  *bucket.Store
	key     string // of what is published
	each    string // begins the keys of what members say
	looking *lease.Document[runnerBoard]

	mu    sync.Mutex
	known map[string]saidByMember // by name
}

// runnerBoard is what is published, under the lease of the one who listens.
type runnerBoard struct {
	Lease             lease.Lease `yaml:"lease"`
	runners.Listening `yaml:",inline"`
}

type saidByMember struct {
	version string
	said    runners.Registered
}

func newRunnerSharing(a *Agent, set string) *runnerSharing {
	s := &runnerSharing{
		members: a.Members, beside: a.state.shared.in(besideDir), known: map[string]saidByMember{},
		key: listeningKey(set), each: registeredKey(set) + " at ",
	}
	s.looking = s.board()
	return s
}

// Keys of documents of a set.
func listeningKey(set string) string  { return "runners " + set + ": jobs" }
func registeredKey(set string) string { return "runners " + set + ": registered" }

// board is for one goroutine.
func (s *runnerSharing) board() *lease.Document[runnerBoard] {
	return &lease.Document[runnerBoard]{
		Store: s.beside, Key: s.key, Hold: s.members.Instance.Hold(besideDir + "\x00" + s.key),
		Format: lease.Format[runnerBoard]{
			Decode: func(data []byte, into *runnerBoard) error { return yaml.Unmarshal(data, into) },
			Encode: func(b runnerBoard) ([]byte, error) { return yaml.Marshal(b) },
			Lease:  func(b *runnerBoard) *lease.Lease { return &b.Lease },
		},
	}
}

func (s *runnerSharing) name() string { return s.members.Instance.Owner.Name }

// options are what runners are handed.
func (s *runnerSharing) options() *runners.Sharing {
	return &runners.Sharing{
		Member: s.name(), Start: s.members.Instance.Owner.ID, Look: s.look, Lead: s.lead, Members: s.all, Alive: s.alive, Of: s.of,
	}
}

func (s *runnerSharing) look(ctx context.Context) (runners.Listening, string, error) {
	b, err := s.looking.Load(ctx)
	if err != nil {
		return runners.Listening{}, "", err
	}
	if held, ok := errors.AsType[*lease.HeldError](s.looking.Held()); ok {
		return b.Listening, held.Lease.Owner.Name, nil
	}
	return b.Listening, "", nil
}

func (s *runnerSharing) lead(ctx context.Context, f func(context.Context, runners.Keeper[runners.Listening])) error {
	d := s.board()
	if err := d.Acquire(ctx); err != nil {
		if _, held := errors.AsType[*lease.HeldError](err); held || ctx.Err() != nil {
			return nil // another is faster, or nothing is to be done any more
		}
		return err
	}
	leased, stop := d.Bound(ctx, func(time.Duration) {})
	keeping, end := context.WithCancel(context.WithoutCancel(ctx)) // the end of a session has to be saved, too
	beside := d.Beside()
	var kept sync.WaitGroup
	kept.Go(func() { _ = bug.Catch(func() error { return beside.Keep(keeping) }) }) // the lease ends what it allowed
	defer func() {
		stop()
		end()
		kept.Wait()
		_ = d.Release(ctx) // else it ends by itself
	}()
	f(leased, runners.Keeper[runners.Listening]{
		Load: func(ctx context.Context) (runners.Listening, error) {
			b, err := d.Load(ctx)
			return b.Listening, err
		},
		Change: func(ctx context.Context, change func(runners.Listening) runners.Listening) error {
			return d.Save(ctx, func(b runnerBoard) runnerBoard {
				b.Listening = change(b.Listening)
				return b
			})
		},
	})
	return nil
}

// all is what each member says. Only what has changed is read.
func (s *runnerSharing) all(ctx context.Context) (map[string]runners.Registered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, _, err := s.beside.Entries(ctx, s.each)
	if err != nil {
		return nil, err
	}
	fresh, said := map[string]saidByMember{}, map[string]runners.Registered{}
	for _, entry := range entries {
		name := entry.Key[len(s.each):]
		one := s.known[name]
		if one.version != entry.Version {
			if one.said, one.version, err = s.document(name).read(ctx); err != nil {
				return nil, err
			}
		}
		if one.version != "" {
			fresh[name], said[name] = one, one.said
		}
	}
	s.known = fresh
	return said, nil
}

func (s *runnerSharing) document(member string) document[runners.Registered] {
	return document[runners.Registered]{s.beside, s.each + member}
}

// of keeps what a member says, and nothing of one that has nothing to say.
func (s *runnerSharing) of(member string) runners.Keeper[runners.Registered] {
	d := s.document(member)
	return runners.Keeper[runners.Registered]{Load: d.load, Change: func(ctx context.Context, change func(runners.Registered) runners.Registered) error {
		return d.change(ctx, func(r runners.Registered) (runners.Registered, bool) {
			r = change(r)
			return r, !r.Empty()
		})
	}}
}

// alive tells whether a start of a member gives signs of life.
func (s *runnerSharing) alive(member, start string) bool {
	if member == s.name() {
		return start == s.members.Instance.Owner.ID
	}
	return slices.ContainsFunc(s.members.View().Live, func(m members.Member) bool { return m.Owner.Name == member && m.Owner.ID == start })
}
