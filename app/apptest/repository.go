package apptest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// Repository is a repository of an account. Its ID stays when it is renamed or transferred.
type Repository struct {
	ID int64

	g             *GitHub
	owner         *Account
	name          string
	dir           string // the bare repository; empty when it lives in memory
	private       bool
	archived      bool
	disabled      bool
	defaultBranch changed[string]
	memory        map[string]string // ref → SHA, without a directory
	known         map[string]bool   // SHAs that were ever set, without a directory
	activities    []activity
	committers    map[string]*Account // by SHA
	statuses      map[string][]Status
	checks        []*CheckRun
	suites        []*CheckSuite
	created       time.Time
	pushed        time.Time
	past          []moment             // what the refs were, the oldest first; kept where there is a lag
	arrived       map[string]time.Time // when a SHA was first at a ref
	replicated    map[string]string    // the refs of the replica; nil: there is none
	pulls         []*Pull
	comments      []*comment
	numbers       int // of pull requests
	lfs           *gittest.LFS
	deployments   []*Deployment
	environments  map[string][]string   // their protection
	rules         map[string]Rules      // by branch
	protected     map[string][]Required // by branch
}

// RepositoryOptions describe a repository to add: public, with an empty bare repository of its own, unless told otherwise.
type RepositoryOptions struct {
	Private       bool
	DefaultBranch string // main when empty
	Dir           string // an existing bare repository to serve
	InMemory      bool   // no git: its heads are what SetHead says, cheap enough for thousands
}

// AddRepository adds a repository to an account. A repository of the same name that was renamed away no longer redirects.
func (g *GitHub) AddRepository(owner, name string, o RepositoryOptions) *Repository {
	r := &Repository{
		g: g, name: name, dir: o.Dir, private: o.Private, statuses: map[string][]Status{},
	}
	g.change(func() (err error) {
		if r.owner, err = g.account(owner); err != nil {
			return err
		}
		if g.lookup(owner, name) != nil {
			return fmt.Errorf("repository %s/%s exists", owner, name)
		}
		r.defaultBranch.now = cmp.Or(o.DefaultBranch, "main")
		r.ID, r.created = g.nextID(), g.Now()
		r.pushed = r.created
		switch {
		case o.InMemory:
			r.memory, r.known = map[string]string{}, map[string]bool{}
		case r.dir == "":
			r.dir = filepath.Join(g.dir, strconv.FormatInt(r.ID, 10)+".git")
			if err := initialise(r.dir, r.defaultBranch.now); err != nil {
				return err
			}
		default:
			if _, err := os.Stat(filepath.Join(r.dir, "HEAD")); err != nil {
				return err
			}
		}
		g.repositories[r.ID] = r
		g.names[key(owner, name)] = r.ID
		r.owner.repositories++
		return r.remember()
	})
	return r
}

// initialise is git init --bare, without the process: https://git-scm.com/docs/gitrepository-layout
func initialise(bare, branch string) error {
	for _, dir := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(bare, dir), 0o755); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{
		"HEAD":   "ref: refs/heads/" + branch + "\n",
		"config": "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
	} {
		if err := os.WriteFile(filepath.Join(bare, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Repository returns the repository with that name, or nil. It follows no renames.
func (g *GitHub) Repository(owner, name string) *Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lookup(owner, name)
}

// FullName is owner/name as it is now.
func (r *Repository) FullName() string {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	return r.fullName()
}

func (r *Repository) fullName() string { return r.owner.Login + "/" + r.name }

// CloneURL is where git finds it.
func (r *Repository) CloneURL() string { return r.g.URL + "/" + r.FullName() + ".git" }

// Dir is the bare repository; empty when it lives in memory.
func (r *Repository) Dir() string { return r.dir }

// Rename gives it a new name; the old one redirects until it is taken again.
func (r *Repository) Rename(name string) {
	r.move(func() (*Account, string, error) { return r.owner, name, nil })
}

// Transfer gives it to another account; the old name redirects, the old owner's installation covers it no more.
func (r *Repository) Transfer(owner string) {
	r.move(func() (*Account, string, error) {
		a, err := r.g.account(owner)
		return a, r.name, err
	})
}

func (r *Repository) move(where func() (*Account, string, error)) {
	r.g.change(func() error {
		owner, name, err := where()
		if err != nil {
			return err
		}
		if other := r.g.lookup(owner.Login, name); other != nil && other != r {
			return fmt.Errorf("repository %s/%s exists", owner.Login, name)
		}
		old := key(r.owner.Login, r.name)
		delete(r.g.names, old)
		r.g.moved[old] = r.ID
		r.owner.repositories--
		r.owner, r.name = owner, name
		r.owner.repositories++
		r.g.names[key(owner.Login, name)] = r.ID
		return nil
	})
}

// Delete removes it. Adding one of the same name makes another repository, with another ID.
func (r *Repository) Delete() {
	r.g.change(func() error {
		if r.g.repositories[r.ID] == nil {
			return fmt.Errorf("repository %s is deleted already", r.fullName())
		}
		delete(r.g.repositories, r.ID)
		delete(r.g.names, key(r.owner.Login, r.name))
		maps.DeleteFunc(r.g.moved, func(_ string, id int64) bool { return id == r.ID })
		r.owner.repositories--
		return nil
	})
}

// SetArchived makes it read-only, or writable again.
func (r *Repository) SetArchived(yes bool) {
	r.g.change(func() error { r.archived = yes; return nil })
}

// SetDisabled blocks all access, as GitHub's staff may, or gives it back.
func (r *Repository) SetDisabled(yes bool) {
	r.g.change(func() error { r.disabled = yes; return nil })
}

// SetPrivate makes it private or public.
func (r *Repository) SetPrivate(yes bool) {
	r.g.change(func() error { r.private = yes; return nil })
}

// SetDefaultBranch changes the branch that HEAD names. It need not exist.
func (r *Repository) SetDefaultBranch(branch string) {
	r.g.change(func() error {
		r.defaultBranch.set(branch, r.g.age())
		if r.memory != nil {
			return nil
		}
		return r.run("symbolic-ref", "HEAD", "refs/heads/"+branch)
	})
}

// repositoryNamed finds the repository of the path, by id or name; renamed tells that the name is an old one.
func (g *GitHub) repositoryNamed(c *call) (r *Repository, renamed bool) {
	if s := c.PathValue("id"); s != "" {
		id, _ := strconv.ParseInt(s, 10, 64)
		return g.repositories[id], false
	}
	return g.findMoved(c.PathValue("owner"), c.PathValue("repo"))
}

func (g *GitHub) findMoved(owner, name string) (r *Repository, renamed bool) {
	if r = g.lookup(owner, name); r != nil {
		return r, false
	}
	r = g.repositories[g.moved[key(owner, name)]]
	return r, r != nil
}

func (g *GitHub) getRepository(_ *call, r *Repository) *answer { return ok(g.describeRepository(r)) }
