package remote

import (
	"fmt"
	"io"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
)

const maxShallow = 1 << 20 // lines that a server may say of where the history is cut

// FetchResponse is the pack of an answer.
type FetchResponse struct {
	io.Reader
	Body    io.Closer
	Shallow []object.ID // commits whose parents do not come; what the server says, to be checked

	Filtered bool // the filter that was asked for was applied
}

// Close ends the conversation.
func (d *FetchResponse) Close() error { return d.Body.Close() }

// readToPack goes through what comes before the pack, and gives what the
// section shallow-info of gitprotocol-v2(5) says. Its unshallow lines say
// nothing that what came does not show.
func readToPack(p *pktReader) (shallow []object.ID, err error) {
	for {
		line, kind, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case kind == pktFlush || kind == pktEnd:
			return nil, errPkt
		case line == "packfile":
			return shallow, nil
		}
		hex, cut := strings.CutPrefix(line, "shallow ")
		if !cut {
			continue
		}
		id, ok := p.format.ParseID(hex)
		if !ok {
			return nil, errPkt
		}
		if shallow = append(shallow, id); len(shallow) > maxShallow {
			return nil, fmt.Errorf("the server cuts the history at more than %d commits", maxShallow)
		}
	}
}
