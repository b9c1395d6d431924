package remote

import (
	"slices"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/bittrance/kitops/poller/git/ancestry"
)

// FetchRequest is what a fetch asks for.
type FetchRequest struct {
	Want    []plumbing.Hash
	Have    []plumbing.Hash // commits that are here with all below them,
	Shallow []plumbing.Hash // down to these, which are without their parents
	Depth   int             // commits on every way; FullHistory: all; 0: 1
	Tags    bool            // and tags that lead to what is sent
	Whole   bool            // it is no head, and the server gives heads only: then all that they lead to
}

// fetchRequest is fetch of gitprotocol-v2(5).
func (w FetchRequest) fetchRequest() []byte {
	lines := []string{"command=fetch", "agent=" + capability.DefaultAgent(), delim, "thin-pack", "no-progress", "ofs-delta"}
	if w.Tags {
		lines = append(lines, "include-tag")
	}
	for _, id := range w.Want {
		lines = append(lines, "want "+id.String())
	}
	for _, id := range w.Shallow {
		lines = append(lines, "shallow "+id.String())
	}
	for _, id := range w.Have {
		lines = append(lines, "have "+id.String())
	}
	if w.Depth != ancestry.FullHistory {
		lines = append(lines, "deepen "+strconv.Itoa(max(w.Depth, 1)))
	}
	return pkt(append(lines, "done", flush)...)
}

// newRequest uses what the server of version 0 offers, multi_ack included:
// Azure DevOps serves nobody without it. A server that cannot cut the history
// sends it all, and cannot be told of one that is cut.
func newRequest(offered *capability.List, w FetchRequest) *packp.UploadPackRequest {
	request := packp.NewUploadPackRequestFromCapabilities(offered)
	request.Wants = slices.Clone(w.Want) // the encoder sorts them
	request.Capabilities.Delete(capability.ThinPack)
	ask := []capability.Capability{capability.NoProgress}
	if w.Tags {
		ask = append(ask, capability.IncludeTag)
	}
	if w.Depth != ancestry.FullHistory || len(w.Shallow) > 0 {
		ask = append(ask, capability.Shallow)
	}
	cuts := offered.Supports(capability.Shallow)
	if len(w.Have) > 0 && (cuts || len(w.Shallow) == 0) {
		ask = append(ask, capability.ThinPack)
		request.Haves = slices.Clone(w.Have)
	}
	for _, c := range ask {
		if offered.Supports(c) {
			_ = request.Capabilities.Set(c) // fails for capabilities with arguments only
		}
	}
	if cuts {
		request.Shallows = slices.Clone(w.Shallow)
		if w.Depth != ancestry.FullHistory {
			request.Depth = packp.DepthCommits(max(w.Depth, 1))
		}
	}
	return request
}
