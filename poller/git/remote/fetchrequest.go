package remote

import (
	"io"
	"strconv"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
)

// FetchRequest is what a fetch asks for.
type FetchRequest struct {
	Want    []object.ID
	Have    []object.ID // commits that are here with all below them,
	Shallow []object.ID // down to these, which are without their parents
	Depth   int         // commits on every way; FullHistory: all; 0: 1
	Tags    bool        // and tags that lead to what is sent
	Whole   bool        // it is no head, and the server gives heads only: then all that they lead to
	Alone   bool        // no object may lean on one that is here
	Filter  string      // of what is left out, as git's --filter; a server that cannot sends all
	Lacking bool        // blobs are missing below Have, on which all may lean that is not filtered
	Local   Local       // of this side
}

// Local is what a server without git cannot be told, so that it is decided here.
type Local struct {
	Has   func(object.ID) bool // with all that belongs to it
	Read  func(object.ID) (object.Object, error)
	Dir   string                      // for files that are swept if they stay
	Limit int64                       // bytes that may come
	Room  func(r io.Reader) io.Reader // guards the disk
}

// fetchRequest is fetch of gitprotocol-v2(5).
func (w FetchRequest) fetchRequest(agent string, f object.Format) []byte {
	lines := command("fetch", agent, f)
	if !w.Alone {
		lines = append(lines, "thin-pack")
	}
	lines = append(lines, "no-progress", "ofs-delta")
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
	if w.Filter != "" {
		lines = append(lines, "filter "+w.Filter)
	}
	return pkt(append(lines, "done", flush)...)
}
