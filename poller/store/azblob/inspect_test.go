package azblob_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestInspect: versions and immutability are told with a remedy, and nothing is left of the trial.
func TestInspect(t *testing.T) {
	for name, test := range map[string]struct{ header, value, warn string }{
		"nothing":      {},
		"versions":     {"X-Ms-Version-Id", "2026-11-29T00:00:00.0000000Z", "keeps every version"},
		"immutability": {"X-Ms-Has-Immutability-Policy", "true", "immutability policy"},
		"a legal hold": {"X-Ms-Has-Legal-Hold", "true", "legal hold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &objects.Bucket{}
			server := b.Azure(t)
			server.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
				if test.header != "" {
					w.Header().Set(test.header, test.value)
				}
				if r.URL.Query().Get("restype") == "container" && r.URL.Query().Get("comp") == "" {
					return // its properties
				}
				serve(w, r)
			})
			location, err := azblob.Parse("azblob://account/container/team?endpoint=" + server.URL)
			if err != nil {
				t.Fatal(err)
			}
			client := bucket.Client()
			defer client.CloseIdleConnections()
			warned := ""
			for _, found := range azblob.New(location, azblob.NewCredentials(env{"AZURE_STORAGE_KEY": "c2VjcmV0"}.get, client)).Inspect(t.Context(), location.Prefix) {
				if found.Remedy != "" {
					warned += found.Text + "\n"
				}
			}
			if !strings.Contains(warned, test.warn) || (test.warn == "") != (warned == "") {
				t.Errorf("warned %q, want %q", warned, test.warn)
			}
			if names := b.Names(); len(names) > 0 {
				t.Errorf("left: %q", names)
			}
		})
	}
}
