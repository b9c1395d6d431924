package remote

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/object"
)

// TestRequestAsOffered asks for nothing that a server does not offer, and for
// all that git uses of what it does.
func TestRequestAsOffered(t *testing.T) {
	w := FetchRequest{Want: make([]object.ID, 1)}
	zero := strings.Repeat("0", 40)
	for offered, want := range map[string]string{
		"": pktText("want "+zero, flush, "done"),
		"multi_ack thin-pack side-band shallow no-progress": pktText("want "+zero+" multi_ack side-band thin-pack no-progress", "deepen 1", flush, "done"),
		"multi_ack multi_ack_detailed side-band side-band-64k ofs-delta thin-pack agent=git/1 symref=HEAD:refs/heads/x": pktText(
			"want "+zero+" multi_ack_detailed side-band-64k thin-pack ofs-delta agent=kitops/1", flush, "done"),
	} {
		if got := string(requestV0(parseCapabilities(offered), w, "kitops/1")); got != want {
			t.Errorf("%s:\n%q, want\n%q", offered, got, want)
		}
	}
}

func pktText(lines ...string) string { return string(pkt(lines...)) }
