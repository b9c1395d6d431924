package git

import (
	"slices"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// wish is what a fetch asks for.
type wish struct {
	want    []plumbing.Hash
	have    []plumbing.Hash // commits that are here with all below them,
	shallow []plumbing.Hash // down to these, which are without their parents
	depth   int             // commits on every way; FullHistory: all; 0: 1
	tags    bool            // and tags that lead to what is sent
	whole   bool            // it is no head, and the server gives heads only: then all that they lead to
}

// fetchRequest is fetch of gitprotocol-v2(5).
func (w wish) fetchRequest() []byte {
	lines := []string{"command=fetch", "agent=" + capability.DefaultAgent(), delim, "thin-pack", "no-progress", "ofs-delta"}
	if w.tags {
		lines = append(lines, "include-tag")
	}
	for _, id := range w.want {
		lines = append(lines, "want "+id.String())
	}
	for _, id := range w.shallow {
		lines = append(lines, "shallow "+id.String())
	}
	for _, id := range w.have {
		lines = append(lines, "have "+id.String())
	}
	if w.depth != FullHistory {
		lines = append(lines, "deepen "+strconv.Itoa(max(w.depth, 1)))
	}
	return pkt(append(lines, "done", flush)...)
}

// newRequest uses what the server of version 0 offers, multi_ack included:
// Azure DevOps serves nobody without it. A server that cannot cut the history
// sends it all, and cannot be told of one that is cut.
func newRequest(offered *capability.List, w wish) *packp.UploadPackRequest {
	request := packp.NewUploadPackRequestFromCapabilities(offered)
	request.Wants = slices.Clone(w.want) // the encoder sorts them
	request.Capabilities.Delete(capability.ThinPack)
	ask := []capability.Capability{capability.NoProgress}
	if w.tags {
		ask = append(ask, capability.IncludeTag)
	}
	if w.depth != FullHistory || len(w.shallow) > 0 {
		ask = append(ask, capability.Shallow)
	}
	cuts := offered.Supports(capability.Shallow)
	if len(w.have) > 0 && (cuts || len(w.shallow) == 0) {
		ask = append(ask, capability.ThinPack)
		request.Haves = slices.Clone(w.have)
	}
	for _, c := range ask {
		if offered.Supports(c) {
			_ = request.Capabilities.Set(c) // fails for capabilities with arguments only
		}
	}
	if cuts {
		request.Shallows = slices.Clone(w.shallow)
		if w.depth != FullHistory {
			request.Depth = packp.DepthCommits(max(w.depth, 1))
		}
	}
	return request
}
