//go:build !unix

package worktree

import "github.com/bittrance/kitops/poller/git/index"

// replacing has files replace others. Here that is to remove and make them.
func (o *outDir) replacing(_, _ string) error {
	o.replace = true
	return nil
}

// changedAt is not known here, as nothing of files is.
func changedAt(string) (index.FileTime, error) { return index.FileTime{}, nil }
