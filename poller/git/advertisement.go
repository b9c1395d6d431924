package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

var errSHA256 = errors.New("the repository uses SHA-256 object names, which kitops cannot read yet")

// advertisement is what a remote says it has.
type advertisement struct {
	refs    map[string]plumbing.Hash
	peeled  map[string]plumbing.Hash // what refs that are at tags lead to, where that is told
	shallow []plumbing.Hash          // where the remote's own history is cut, where that is told
	head    plumbing.Hash            // the commit HEAD leads to; zero when there is none
	headRef string                   // the branch HEAD names; "" when detached or not told
	caps    *capability.List         // nil for local repositories
}

// readAdvertisement reads what a server of version 0 says first.
func readAdvertisement(ctx context.Context, r io.Reader) (*advertisement, error) {
	ar := packp.NewAdvRefs()
	err := ar.Decode(r)
	var odd *packp.ErrUnexpectedData
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && ar.IsEmpty():
		return nil, ErrEmpty
	case errors.Is(err, packp.ErrEmptyInput):
		err = errors.New("the server hung up without an answer")
	case errors.As(err, &odd) && bytes.Contains(odd.Data, []byte("object-format=sha256")):
		return nil, errSHA256
	}
	if err != nil {
		return nil, fmt.Errorf("read refs: %w", ctxErr(ctx, err))
	}
	ad := &advertisement{refs: ar.References, peeled: ar.Peeled, shallow: ar.Shallows, caps: ar.Capabilities}
	if ar.Head != nil {
		ad.head = *ar.Head
	}
	for _, symref := range ar.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(symref, head+":"); ok {
			ad.headRef = target
		}
	}
	return ad, nil
}

func selected(ad *advertisement, patterns Patterns) ([]Revision, error) {
	if len(ad.refs) == 0 && ad.head.IsZero() {
		return nil, ErrEmpty
	}
	var found []Revision
	for ref, sha := range ad.refs {
		if matched, _ := patterns.Match(ref); matched {
			found = append(found, Revision{Ref: ref, SHA: sha.String()})
		}
	}
	if slices.Contains(patterns, head) {
		rev, err := defaultBranch(ad)
		if err != nil {
			return nil, err
		}
		wanted, _ := append(slices.Clone(patterns), rev.Ref).Match(rev.Ref)
		if wanted && !slices.Contains(found, rev) {
			found = append(found, rev)
		}
	}
	slices.SortFunc(found, func(a, b Revision) int { return strings.Compare(a.Ref, b.Ref) })
	return found, nil
}

func defaultBranch(ad *advertisement) (Revision, error) {
	sha, exists := ad.refs[ad.headRef]
	switch {
	case ad.headRef == "" && ad.head.IsZero(), ad.headRef != "" && !exists:
		return Revision{}, errors.New("its HEAD names a branch that does not exist, so there is no default branch: say which one with --branch")
	case ad.headRef == "":
		return Revision{Ref: head, SHA: ad.head.String()}, nil
	}
	return Revision{Ref: ad.headRef, SHA: sha.String()}, nil
}

// gives says whether the remote may be asked for all of these: they are where
// refs are, or the server takes any commit that it has.
func (ad *advertisement) gives(want []plumbing.Hash) bool {
	if ad.caps != nil && (ad.caps.Supports(capability.AllowTipSHA1InWant) || ad.caps.Supports(capability.AllowReachableSHA1InWant) ||
		ad.caps.Supports("allow-any-sha1-in-want")) {
		return true
	}
	tips := map[plumbing.Hash]bool{ad.head: true}
	for _, at := range ad.refs {
		tips[at] = true
	}
	return !slices.ContainsFunc(want, func(id plumbing.Hash) bool { return !tips[id] })
}

// tips are where branches and tags are, each once.
func (ad *advertisement) tips() []plumbing.Hash {
	seen := map[plumbing.Hash]bool{}
	for ref, id := range ad.refs {
		if strings.HasPrefix(ref, "refs/heads/") || strings.HasPrefix(ref, "refs/tags/") {
			seen[id] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}
