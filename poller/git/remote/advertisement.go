package remote

import (
	"fmt"
	"maps"
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
	Refs    map[string]object.ID
	peeled  map[string]object.ID // what refs that are at tags lead to, where that is told
	shallow []object.ID          // where the remote's own history is cut, where that is told
	Head    object.ID            // the commit HEAD leads to; zero when there is none
	HeadRef string               // the branch HEAD names; "" when detached or not told
	caps    capabilities         // of version 0
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

func advertisementRoom() refRoom { return refRoom{maxRefs, maxRefBytes} }

// take counts one ref.
func (r *refRoom) take(line string) error {
	r.refs--
	r.bytes -= len(line) + 64 // that a map needs for it
	if r.refs < 0 || r.bytes < 0 {
		return fmt.Errorf("the server lists more than %d refs, or more than %d MB of them", maxRefs, maxRefBytes>>20)
	}
	return nil
}

// add takes a line of version 0: an id and a name.
func (ad *Advertisement) add(line string, f object.Format, room *refRoom) error {
	if err := room.take(line); err != nil {
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
		ad.peeled[tag] = id
	case name == refs.Head:
		ad.Head = id
	default:
		ad.Refs[name] = id
	}
	return nil
}

// guess finds the branch that HEAD names where the server does not tell, as git
// does: master if it is where HEAD is, else the first that is.
func (ad *Advertisement) guess() {
	if ad.HeadRef != "" || ad.Head.IsZero() {
		return
	}
	const master = "refs/heads/master"
	for name, id := range ad.Refs {
		if id == ad.Head && strings.HasPrefix(name, "refs/heads/") && refs.Valid(name) &&
			(ad.HeadRef == "" || name == master || ad.HeadRef != master && name < ad.HeadRef) {
			ad.HeadRef = name
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
	tips := map[object.ID]bool{ad.Head: true}
	for _, at := range ad.Refs {
		tips[at] = true
	}
	return !slices.ContainsFunc(want, func(id object.ID) bool { return !tips[id] })
}

// tips are where branches and tags are, each once.
func (ad *Advertisement) tips() []object.ID {
	seen := map[object.ID]bool{}
	for ref, id := range ad.Refs {
		if strings.HasPrefix(ref, "refs/heads/") || strings.HasPrefix(ref, "refs/tags/") {
			seen[id] = true
		}
	}
	return slices.Collect(maps.Keys(seen))
}
