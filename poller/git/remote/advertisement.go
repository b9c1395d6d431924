package remote

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

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// Advertisement is what a remote says it has.
type Advertisement struct {
	Refs    map[string]plumbing.Hash
	peeled  map[string]plumbing.Hash // what refs that are at tags lead to, where that is told
	shallow []plumbing.Hash          // where the remote's own history is cut, where that is told
	Head    plumbing.Hash            // the commit HEAD leads to; zero when there is none
	HeadRef string                   // the branch HEAD names; "" when detached or not told
	caps    *capability.List         // nil for local repositories
}

// readAdvertisement reads what a server of version 0 says first.
func readAdvertisement(ctx context.Context, r io.Reader) (*Advertisement, error) {
	ar := packp.NewAdvRefs()
	err := ar.Decode(r)
	var odd *packp.ErrUnexpectedData
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && ar.IsEmpty():
		return nil, ErrEmpty
	case errors.Is(err, packp.ErrEmptyInput):
		err = errors.New("the server hung up without an answer")
	case errors.As(err, &odd) && bytes.Contains(odd.Data, []byte("object-format=sha256")):
		return nil, object.ErrSHA256
	}
	if err != nil {
		return nil, fmt.Errorf("read refs: %w", CtxErr(ctx, err))
	}
	ad := &Advertisement{Refs: ar.References, peeled: ar.Peeled, shallow: ar.Shallows, caps: ar.Capabilities}
	if ar.Head != nil {
		ad.Head = *ar.Head
	}
	for _, symref := range ar.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(symref, refs.Head+":"); ok {
			ad.HeadRef = target
		}
	}
	return ad, nil
}

// Gives says whether the remote may be asked for all of these: they are where
// refs are, or the server takes any commit that it has.
func (ad *Advertisement) Gives(want []plumbing.Hash) bool {
	if ad.caps != nil && (ad.caps.Supports(capability.AllowTipSHA1InWant) || ad.caps.Supports(capability.AllowReachableSHA1InWant) ||
		ad.caps.Supports("allow-any-sha1-in-want")) {
		return true
	}
	tips := map[plumbing.Hash]bool{ad.Head: true}
	for _, at := range ad.Refs {
		tips[at] = true
	}
	return !slices.ContainsFunc(want, func(id plumbing.Hash) bool { return !tips[id] })
}

// tips are where branches and tags are, each once.
func (ad *Advertisement) tips() []plumbing.Hash {
	seen := map[plumbing.Hash]bool{}
	for ref, id := range ad.Refs {
		if strings.HasPrefix(ref, "refs/heads/") || strings.HasPrefix(ref, "refs/tags/") {
			seen[id] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}
