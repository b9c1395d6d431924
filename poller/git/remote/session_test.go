package remote

import (
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// TestRequestAsOffered asks for nothing that a server does not offer.
func TestRequestAsOffered(t *testing.T) {
	request := newRequest(capability.NewList(), FetchRequest{Want: make([]plumbing.Hash, 1)})
	if !request.Depth.IsZero() || !request.Capabilities.IsEmpty() {
		t.Errorf("asked for %s", request.Capabilities)
	}
	offered := capability.NewList()
	if err := offered.Decode([]byte("multi_ack thin-pack side-band shallow no-progress")); err != nil {
		t.Fatal(err)
	}
	request = newRequest(offered, FetchRequest{Want: make([]plumbing.Hash, 1)})
	if got := request.Capabilities.String(); got != "multi_ack side-band no-progress shallow" || request.Validate() != nil {
		t.Errorf("asked for %s", got)
	}
}
