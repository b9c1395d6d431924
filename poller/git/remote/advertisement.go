package remote

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// What a server may say of its refs: more of it wants memory, and no repository
// is like that.
const (
	maxRefs     = 1 << 20
	maxRefBytes = 128 << 20
)

// Advertisement is what a remote says it has.
type Advertisement struct {
	Refs    refs.List
	peeled  refs.List    // what refs that are at tags lead to, where that is told
	shallow []object.ID  // where the remote's own history is cut, where that is told
	Head    object.ID    // the commit HEAD leads to; zero when there is none
	HeadRef string       // the branch HEAD names; "" when detached or not told
	caps    capabilities // of version 0
}

// objectFormat is the capability that names a format, gitprotocol-capabilities(5).
const objectFormat = string(capability.ObjectFormat)

// formatOf is the format that a server names, SHA-1 where it names none.
func formatOf(name string) (object.Format, error) {
	if f, ok := object.ParseFormat(name); ok || name == "" {
		return f, nil
	}
	return 0, fmt.Errorf("the server names its objects by %.60q, which kitops does not know", name)
}

// capabilities are what a server of version 0 offers, with their values.
type capabilities map[capability.Capability]string

func (c capabilities) has(name capability.Capability) bool {
	_, offered := c[name]
	return offered
}

// parseCapabilities keeps of symref what HEAD names.
func parseCapabilities(line string) capabilities {
	c := capabilities{}
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		if capability.Capability(name) == capability.SymRef {
			target, ok := strings.CutPrefix(value, refs.Head+":")
			if !ok {
				continue
			}
			value = target
		}
		c[capability.Capability(name)] = value
	}
	return c
}

// refRoom is what a list of refs may still have.
type refRoom struct{ refs, bytes int }

// take counts one ref.
func (r *refRoom) take(line string) error {
	r.refs--
	r.bytes -= len(line) + 64 // that lists need for it
	if r.refs < 0 || r.bytes < 0 {
		return fmt.Errorf("the server lists more than %d refs, or more than %d MB of them", maxRefs, maxRefBytes>>20)
	}
	return nil
}

// reading is an advertisement of version 0 of which more comes.
type reading struct {
	*Advertisement
	refs, peeled refs.Listing
	room         refRoom
}

func newReading() *reading {
	return &reading{Advertisement: &Advertisement{}, room: refRoom{maxRefs, maxRefBytes}}
}

// end says that all has come.
func (ad *reading) end() *Advertisement {
	ad.Refs, ad.Advertisement.peeled = ad.refs.List(), ad.peeled.List()
	return ad.Advertisement
}

// add takes a line: an id and a name.
func (ad *reading) add(line string, f object.Format) error {
	if err := ad.room.take(line); err != nil {
		return err
	}
	hex, name, _ := strings.Cut(line, " ")
	if hex == "shallow" {
		hex, name = name, hex
	}
	id, ok := f.ParseID(hex)
	tag, peeled := strings.CutSuffix(name, "^{}")
	switch {
	case !ok || name == "":
		return errPkt
	case name == "shallow":
		ad.shallow = append(ad.shallow, id)
	case tag == "capabilities": // there are no refs
	case len(name) > refs.MaxName: // no ref of git, so that it is nobody's
	case peeled:
		ad.peeled.Add(tag, id.Bytes())
	case name == refs.Head:
		ad.Head = id
	default:
		ad.refs.Add(name, id.Bytes())
	}
	return nil
}

// at is where a ref is; zero: there is none.
func (ad *Advertisement) at(name string) object.ID {
	sha, _ := ad.Refs.Find(name)
	id, _ := object.ParseID(sha)
	return id
}

// guess finds the branch that HEAD names where the server does not tell, as git
// does: master if it is where HEAD is, else the first that is.
func (ad *Advertisement) guess() {
	if ad.HeadRef != "" || ad.Head.IsZero() {
		return
	}
	const master = "refs/heads/master"
	head := ad.Head.String()
	for _, r := range ad.Refs {
		if r.SHA == head && strings.HasPrefix(r.Ref, "refs/heads/") && refs.Valid(r.Ref) && (ad.HeadRef == "" || r.Ref == master) {
			ad.HeadRef = r.Ref
		}
	}
}

// Gives says whether the remote may be asked for all of these: they are where
// refs are, or the server takes any commit that it has.
func (ad *Advertisement) Gives(want []object.ID) bool {
	for _, name := range []capability.Capability{capability.AllowTipSHA1InWant, capability.AllowReachableSHA1InWant, "allow-any-sha1-in-want"} {
		if ad.caps.has(name) {
			return true
		}
	}
	return !slices.ContainsFunc(want, func(id object.ID) bool {
		sha := id.String()
		return id != ad.Head && !slices.ContainsFunc(ad.Refs, func(r refs.Revision) bool { return r.SHA == sha })
	})
}

// tips are where branches and tags are, each once.
func (ad *Advertisement) tips() []object.ID {
	var tips []object.ID
	for _, r := range ad.Refs {
		if strings.HasPrefix(r.Ref, "refs/heads/") || strings.HasPrefix(r.Ref, "refs/tags/") {
			id, _ := object.ParseID(r.SHA) // it was made of one
			tips = append(tips, id)
		}
	}
	slices.SortFunc(tips, object.ID.Compare)
	return slices.Compact(tips)
}
