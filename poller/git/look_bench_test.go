package git

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// BenchmarkIdleLook is a poll that finds nothing new, over a connection that is kept. The server, which answers from memory,
// takes part of the time.
func BenchmarkIdleLook(b *testing.B) {
	packet := func(line string) string { return fmt.Sprintf("%04x%s", len(line)+4, line) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/info/refs") {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			fmt.Fprint(w, packet("# service=git-upload-pack\n"), "0000", packet("version 2\n"), packet("ls-refs\n"), packet("fetch=shallow\n"), "0000")
			return
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		fmt.Fprint(w, packet(strings.Repeat("1", 40)+" refs/heads/main\n"), "0000")
	}))
	b.Cleanup(server.Close)
	url, err := address.ParseURL(server.URL + "/repo.git")
	if err != nil {
		b.Fatal(err)
	}
	transport := remote.NewTransport()
	b.Cleanup(transport.CloseIdleConnections)
	m := &Mirror{URL: url, Dir: b.TempDir(), Transport: transport}
	b.ReportAllocs()
	for b.Loop() {
		if heads, err := m.Heads(b.Context(), refs.Patterns{"refs/heads/main"}); err != nil || len(heads) != 1 {
			b.Fatal(heads, err)
		}
	}
}
