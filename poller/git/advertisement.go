package git

import (
	"errors"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

func selected(ad *remote.Advertisement, patterns refs.Patterns) ([]refs.Revision, error) {
	if len(ad.Refs) == 0 && ad.Head.IsZero() {
		return nil, remote.ErrEmpty
	}
	found := ad.Refs.Select(patterns)
	if slices.Contains(patterns, refs.Head) {
		rev, err := defaultBranch(ad)
		if err != nil {
			return nil, err
		}
		wanted, _ := append(slices.Clone(patterns), rev.Ref).Match(rev.Ref)
		if wanted && !slices.Contains(found, rev) {
			found = append(found, rev)
			slices.SortFunc(found, func(a, b refs.Revision) int { return strings.Compare(a.Ref, b.Ref) })
		}
	}
	return found, nil
}

func defaultBranch(ad *remote.Advertisement) (refs.Revision, error) {
	sha, exists := ad.Refs.Find(ad.HeadRef)
	switch {
	case ad.HeadRef == "" && ad.Head.IsZero(), ad.HeadRef != "" && !exists:
		return refs.Revision{}, errors.New("its HEAD names a branch that does not exist, so there is no default branch: say which one with --branch")
	case ad.HeadRef == "":
		return refs.Revision{Ref: refs.Head, SHA: ad.Head.String()}, nil
	}
	return refs.Revision{Ref: ad.HeadRef, SHA: sha}, nil
}
