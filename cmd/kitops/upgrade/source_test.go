package upgrade

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLatestRelease is found by the redirect of its page, and its files below the tag.
func TestLatestRelease(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to, where, want string // where latest leads to, and the error
	}{
		"latest":       {"", "/releases/tag/v0.2.0", ""},
		"wanted":       {"0.2.0", "/nowhere", ""},
		"gone":         {"0.9.0", "", "releases/download/v0.9.0/checksums.txt: 404"},
		"no release":   {"", "/releases", `leads to`},
		"no redirect":  {"", "", "releases/latest: 404 Not Found, and no release that it leads to"},
		"insecure":     {"0.1.0", "", "http://example.com/checksums.txt is not https"},
		"another file": {"0.3.0", "", "checksums.txt is larger than any of kitops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "0.1.0")
			publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
			mux := http.NewServeMux()
			mux.Handle("/releases/download/v0.2.0/", http.StripPrefix("/releases/download/v0.2.0/", http.FileServer(http.Dir(m.release))))
			mux.HandleFunc("/releases/download/v0.1.0/", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://example.com/checksums.txt", http.StatusFound)
			})
			mux.HandleFunc("/releases/download/v0.3.0/", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(make([]byte, 2<<20))
			})
			mux.HandleFunc("/releases/latest", func(w http.ResponseWriter, r *http.Request) {
				if r.UserAgent() != "kitops/0.1.0" || c.where == "" {
					http.NotFound(w, r)
					return
				}
				http.Redirect(w, r, c.where, http.StatusFound)
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			m.From, m.To, m.Releases, m.Agent, m.Current = "", c.to, server.URL+"/releases", "kitops/0.1.0", "0.1.1"
			err := m.Run(t.Context())
			if c.want == "" && (err != nil || content(t, m.Program) != script("0.2.0")) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestFromAnAddress: a folder that a web server shows, for networks without GitHub.
func TestFromAnAddress(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "0.1.0")
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	server := httptest.NewServer(http.StripPrefix("/mirror/", http.FileServer(http.Dir(m.release))))
	defer server.Close()
	m.From = server.URL + "/mirror"
	if err := m.Run(t.Context()); err != nil || content(t, m.Program) != script("0.2.0") {
		t.Error(err)
	}
}
