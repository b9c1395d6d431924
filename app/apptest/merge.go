package apptest

import (
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// MakeMerge has GitHub make the merge of the head with its base as they are, and returns its SHA.
func (p *Pull) MakeMerge() (sha string) {
	p.r.g.change(func() error {
		s, err := p.r.snapshot()
		if err != nil {
			return err
		}
		if s.git == nil {
			return errors.New("a repository in memory has no merges")
		}
		head, err := s.git.CommitObject(plumbing.NewHash(p.sha))
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
		who := object.Signature{Name: author, Email: authorEmail, When: p.r.g.Now()}
		merge := object.Commit{
			Author: who, Committer: who, Message: "merge\n", TreeHash: head.TreeHash,
			ParentHashes: []plumbing.Hash{plumbing.NewHash(s.refs["refs/heads/"+p.base]), head.Hash},
		}
		hash, err := (committing{s.git}).store(merge.Encode)
		sha = hash.String()
		return err
	})
	p.SetMerge(sha, true)
	return sha
}
