package apptest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/revlist"
)

// Lag is for how long what was made or changed is unknown to the machines that answer. A real GitHub
// consists of many, which learn from each other within seconds.
type Lag struct {
	Token       time.Duration // 401 for a new token
	Commit      time.Duration // 422 for a status on a commit that was pushed
	Ref         time.Duration // REST shows branches and tags as they were
	Git         time.Duration // git shows them as they were, and has no newer objects
	Permissions time.Duration // of an installation
	Default     time.Duration // which branch is a repository's default one
}

// SetLag changes the lag from now on, also of what was made before.
func (g *GitHub) SetLag(l Lag) {
	g.change(func() error { g.options.Lag = l; return nil })
}

// Settle ages all that was made so far until it is known everywhere.
func (g *GitHub) Settle() {
	g.mu.Lock()
	l := g.options.Lag
	g.mu.Unlock()
	g.aged.Add(int64(max(l.Token, l.Commit, l.Ref, l.Git, l.Permissions, l.Default)))
}

// age is the clock by which what is made ages.
func (g *GitHub) age() time.Time { return time.Now().Add(time.Duration(g.aged.Load())) }

// moment is what the refs of a repository were from a time on.
type moment struct {
	from time.Time
	refs map[string]string
}

// remember notes the refs after a change, when anybody may ask for what was before.
func (r *Repository) remember() error {
	if r.g.options.Lag == (Lag{}) && r.past == nil {
		return nil
	}
	s, err := r.snapshot()
	if err != nil {
		return err
	}
	now := r.g.age()
	r.past = append(r.past, moment{now, maps.Clone(s.refs)})
	for _, sha := range s.refs {
		if _, known := r.arrived[sha]; !known {
			if r.arrived == nil {
				r.arrived = map[string]time.Time{}
			}
			r.arrived[sha] = now
		}
	}
	return nil
}

// before returns the refs as they were so long ago, or now's where nothing was remembered.
func (r *Repository) before(lag time.Duration, refs map[string]string) map[string]string {
	if lag <= 0 || len(r.past) == 0 {
		return refs
	}
	then := r.g.age().Add(-lag)
	shown := map[string]string{}
	for _, m := range r.past {
		if m.from.After(then) {
			break
		}
		shown = m.refs
	}
	return shown
}

// unknown tells whether a commit has not arrived everywhere yet.
func (r *Repository) unknown(sha string) bool {
	at, known := r.arrived[sha]
	return known && r.g.age().Before(at.Add(r.g.options.Lag.Commit))
}

// changed is a value that others see only after a while.
type changed[T any] struct {
	now, was T
	at       time.Time
}

func (c *changed[T]) set(value T, at time.Time) { *c = changed[T]{value, c.now, at} }

// seen is the value that GitHub's other machines have.
func (c *changed[T]) seen(now time.Time, lag time.Duration) T {
	if now.Before(c.at.Add(lag)) {
		return c.was
	}
	return c.now
}

// replica returns a directory in which git finds the repository as it was before the lag.
func (r *Repository) replica() (string, error) {
	lag := r.g.options.Lag.Git
	if lag <= 0 {
		return r.dir, nil
	}
	s, err := r.snapshot()
	if err != nil {
		return "", err
	}
	refs, dir := r.before(lag, s.refs), strings.TrimSuffix(r.dir, ".git")+".replica.git"
	if r.replicated != nil && maps.Equal(refs, r.replicated) {
		return dir, nil
	}
	if err := r.replicate(s.git, dir, refs); err != nil {
		return "", fmt.Errorf("replicate %s: %w", r.dir, err)
	}
	return dir, nil
}

// replicate has the repository in dir hold these refs and what they lead to.
func (r *Repository) replicate(from *gogit.Repository, dir string, refs map[string]string) error {
	if r.replicated == nil {
		if err := initialise(dir, r.defaultBranch.now); err != nil {
			return err
		}
	}
	to, err := gogit.PlainOpen(dir)
	if err != nil {
		return err
	}
	if err := copyObjects(from, to, refs, r.replicated); err != nil {
		return err
	}
	for ref := range r.replicated {
		if refs[ref] == "" {
			if err := to.Storer.RemoveReference(plumbing.ReferenceName(ref)); err != nil {
				return err
			}
		}
	}
	for ref, sha := range refs {
		if err := to.Storer.SetReference(plumbing.NewReferenceFromStrings(ref, sha)); err != nil {
			return err
		}
	}
	r.replicated = maps.Clone(refs)
	if r.replicated == nil {
		r.replicated = map[string]string{}
	}
	return nil
}

// copyObjects copies what the refs lead to, and those of before did not.
func copyObjects(from, to *gogit.Repository, refs, before map[string]string) error {
	hashes := func(of map[string]string) (all []plumbing.Hash) {
		for _, sha := range of {
			all = append(all, plumbing.NewHash(sha))
		}
		return all
	}
	has, err := revlist.Objects(to.Storer, hashes(before), nil)
	if err != nil {
		return err
	}
	missing, err := revlist.Objects(from.Storer, hashes(refs), has)
	if err != nil {
		return err
	}
	for _, hash := range missing {
		o, err := from.Storer.EncodedObject(plumbing.AnyObject, hash)
		if err != nil {
			return err
		}
		if _, err := to.Storer.SetEncodedObject(o); err != nil {
			return err
		}
	}
	return nil
}
