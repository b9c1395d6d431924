package members

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
)

// The folders of a store.
const (
	TasksDir     = "tasks"
	InstancesDir = "instances"
	BeatsDir     = "beats"
)

const (
	kept       = 7 * 24 * time.Hour // how long a member is remembered that is not seen any more
	mostPruned = 50                 // at one beat, and so many entries of the dead are read
	retry      = time.Second        // after a request that failed, and between two looks at a name
)

// Registry is an instance among the members of a store. Its exported fields are set before
// anything is called; all methods may be used concurrently, but Claim, Run and Leave,
// which come one after the other.
type Registry struct {
	Instance  *lease.Instance
	Root      *bucket.Store // has all folders
	Documents *Documents
	Log       *slog.Logger
	// Behind tells of tasks that this instance should have polled; may be nil.
	Behind func() []string

	unpruned bool // it was said that the dead stay; of who beats

	mu      sync.Mutex
	self    Member
	said    Member // as it stands in the store
	version string // of that
	entries map[string]entry
	view    View
}

// entry is what is known of instances/NAME.
type entry struct {
	member  Member
	version string
}

// Open returns the registry of an instance on a store. It asks nothing yet.
func Open(in *lease.Instance, root *bucket.Store, log *slog.Logger) *Registry {
	return &Registry{
		Instance: in, Root: root, Log: log, entries: map[string]entry{},
		Documents: NewDocuments(root.Sub(TasksDir), in.Owner.Name, in.Clock),
		self:      Member{Owner: in.Owner, Lease: in.Terms.TTL},
	}
}

// Look tells who shares a store, for somebody who does not.
func Look(ctx context.Context, root *bucket.Store, ttl time.Duration, log *slog.Logger) (View, error) {
	r := &Registry{Instance: &lease.Instance{Terms: lease.Terms{TTL: ttl}}, Root: root, Log: log}
	all, now, err := root.All(ctx)
	if err != nil {
		return View{}, err
	}
	for len(r.entries) < len(sort(all).entries) && err == nil { // the dead are read little by little
		before := len(r.entries)
		if err = r.learn(ctx, sort(all), now); len(r.entries) == before {
			break
		}
	}
	return r.View(), err
}

// Describe says what this instance can bear.
func (r *Registry) Describe(capacity int, labels map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.self.Capacity, r.self.Labels = capacity, labels
}

// Announce says which tasks this instance polls, or would. The others hear of it at the next beat.
func (r *Registry) Announce(tasks map[string]Task) {
	each := map[string]bool{}
	for name, task := range tasks {
		if task.Each {
			each[name] = true
		}
	}
	r.Documents.SetEach(each)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.self.Tasks = tasks
}

// Period is the time between two beats, and so after how long at most others see what was saved.
func (r *Registry) Period() time.Duration { return r.Instance.Terms.TTL / 3 }

func (r *Registry) name() string { return r.Instance.Owner.Name }

// entry reads instances/NAME. What is no member's is the zero Member.
func (r *Registry) entry(ctx context.Context, name string) (Member, store.Document, error) {
	doc, err := r.Root.Sub(InstancesDir).Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return Member{}, doc, nil
	}
	var damaged *store.FormatError
	if err != nil && !errors.As(err, &damaged) {
		return Member{}, doc, err
	}
	var m Member
	if err == nil {
		m, err = decode(doc.Data)
	}
	if err != nil {
		r.Log.Warn("what an instance says of itself cannot be read", "instance", name, "err", err)
		return Member{}, doc, nil
	}
	return m, doc, nil
}

// introduce puts what this instance says of itself, where that has changed.
func (r *Registry) introduce(ctx context.Context) error {
	var behind []string
	if r.Behind != nil {
		behind = r.Behind()
	}
	r.mu.Lock()
	r.self.Behind = behind
	self, version := r.self, r.version
	same := version != "" && self.equal(r.said)
	r.mu.Unlock()
	if same {
		return nil
	}
	data, err := yaml.Marshal(self)
	if err != nil {
		return fmt.Errorf("encode instance %s: %w", r.name(), err)
	}
	next, err := r.Root.Sub(InstancesDir).Put(ctx, r.name(), data, version)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said, r.version = self, next
	return nil
}

// Run beats until ctx is done. The error is *[NameTakenError]: another instance has come
// to have the name, since this one gave no sign for too long.
func (r *Registry) Run(ctx context.Context) error {
	failing := false
	for wait := r.Period(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		began := r.Instance.Clock()
		err := r.beat(ctx)
		var taken *NameTakenError
		switch {
		case errors.As(err, &taken):
			return err
		case err != nil:
			if !failing && ctx.Err() == nil {
				r.Log.Warn("the store does not answer, so the other instances take this one for gone", "err", err)
			}
			failing, wait = true, retry
			continue
		case failing:
			failing = false
			r.Log.Info("the store answers again")
		}
		wait = max(0, r.Period()-(r.Instance.Clock()-began))
	}
}

// beat gives a sign of life, and looks at those of the others.
func (r *Registry) beat(ctx context.Context) error {
	if err := r.introduce(ctx); err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	if err := r.Root.Sub(BeatsDir).Touch(ctx, r.name()); err != nil {
		return err
	}
	mark := r.Instance.Clock()
	all, now, err := r.Root.All(ctx)
	if err != nil {
		return err
	}
	sorted := sort(all)
	if err := r.still(ctx, sorted.entries[r.name()]); err != nil {
		return err
	}
	err = r.learn(ctx, sorted, now)
	if unpruned := r.prune(ctx, sorted); unpruned != nil && !r.unpruned && ctx.Err() == nil {
		r.unpruned = true // it may not be allowed, and is no reason to give no sign of life
		r.Log.Warn("what is left of instances that are gone stays", "err", unpruned)
	}
	return errors.Join(err, r.Documents.refresh(ctx, sorted.tasks, now, mark))
}

// still makes sure that the name is this instance's.
func (r *Registry) still(ctx context.Context, version string) error {
	r.mu.Lock()
	mine := r.version
	r.mu.Unlock()
	if version == mine {
		return nil
	}
	found, doc, err := r.entry(ctx, r.name())
	if err != nil {
		return err
	}
	if id := found.Owner.ID; doc.Version != "" && id != "" && id != r.Instance.Owner.ID && !r.Instance.Succeeds(lease.Lease{Owner: found.Owner}) {
		return &NameTakenError{found}
	}
	r.mu.Lock()
	r.version, r.said = doc.Version, Member{} // it was pruned, or somebody has edited it
	r.mu.Unlock()
	return r.introduce(ctx)
}

// Leave tells the others that this instance has ended.
func (r *Registry) Leave(ctx context.Context) error {
	r.mu.Lock()
	version := r.version
	r.self.Left = true
	r.mu.Unlock()
	if version == "" {
		return nil
	}
	err := r.introduce(ctx)
	if errors.Is(err, store.ErrConflict) {
		return nil // it is another's by now
	}
	if err == nil {
		_ = r.Forget(ctx, r.name(), r.Documents.ownsAny()) // where that is not allowed it is pruned, or stays
	}
	return err
}

// Forget deletes what a member has said of itself. Its last sign of life stays where it has documents of its own: they are
// pruned a week after that, since a member that is only started again needs them.
func (r *Registry) Forget(ctx context.Context, name string, owns bool) error {
	err := r.Root.Sub(InstancesDir).Remove(ctx, name)
	if !owns {
		err = errors.Join(err, r.Root.Sub(BeatsDir).Remove(ctx, name))
	}
	return err
}
