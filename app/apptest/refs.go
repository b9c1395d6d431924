package apptest

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

var fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// snapshot is a repository's refs at one moment. It is read anew for each call, so that it is right whoever pushes.
type snapshot struct {
	repository *Repository
	git        *gogit.Repository // nil in memory
	refs       map[string]string // refs/heads/main → SHA; for an annotated tag the SHA of the tag
}

// commit is what the API tells of one.
type commit struct {
	sha, tree, message, name, email string
	when                            time.Time
	parents                         []string
}

func (r *Repository) snapshot() (*snapshot, error) {
	if r.memory != nil {
		return &snapshot{repository: r, refs: r.memory}, nil
	}
	repo, err := gogit.PlainOpen(r.dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", r.dir, err)
	}
	s := &snapshot{repository: r, git: repo, refs: map[string]string{}}
	refs, err := repo.References()
	if err != nil {
		return nil, fmt.Errorf("read refs of %s: %w", r.dir, err)
	}
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference {
			s.refs[ref.Name().String()] = ref.Hash().String()
		}
		return nil
	})
	return s, err
}

func (s *snapshot) names() []string { return slices.Sorted(maps.Keys(s.refs)) }

// kind is what a ref points at: commit or tag.
func (s *snapshot) kind(sha string) string {
	if s.git != nil {
		if _, err := s.git.TagObject(plumbing.NewHash(sha)); err == nil {
			return "tag"
		}
	}
	return "commit"
}

// resolve finds the commit of heads/main, tags/v1, a bare branch or tag name, a full ref or a full SHA; nil when there is none.
func (s *snapshot) resolve(ref string) (*commit, error) {
	for _, prefix := range []string{"refs/", "refs/heads/", "refs/tags/", ""} {
		if sha := s.refs[prefix+ref]; sha != "" {
			return s.commit(sha)
		}
	}
	if fullSHA.MatchString(ref) {
		return s.commit(ref)
	}
	return nil, nil
}

// commit returns nil when sha is no commit, nor a tag of one.
func (s *snapshot) commit(sha string) (*commit, error) {
	if s.git == nil {
		return s.imagined(sha), nil
	}
	hash := plumbing.NewHash(sha)
	if tag, err := s.git.TagObject(hash); err == nil {
		hash = tag.Target
	}
	c, err := s.git.CommitObject(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, object.ErrUnsupportedObject) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", sha, err)
	}
	found := &commit{
		sha: c.Hash.String(), tree: c.TreeHash.String(), message: c.Message,
		name: c.Author.Name, email: c.Author.Email, when: c.Author.When,
	}
	for _, p := range c.ParentHashes {
		found.parents = append(found.parents, p.String())
	}
	return found, nil
}

// imagined is a commit of a repository in memory.
func (s *snapshot) imagined(sha string) *commit {
	if !s.repository.known[sha] {
		return nil
	}
	h := sha1.New()
	_, _ = io.WriteString(h, sha)
	return &commit{
		sha: sha, tree: fmt.Sprintf("%x", h.Sum(nil)), message: "commit " + sha[:7],
		name: author, email: authorEmail, when: s.repository.pushed,
	}
}
