package git

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// TestWebFlowURL goes through addresses of repositories.
func TestWebFlowURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://github.com/acme/shop.git":           "https://github.com/web-flow.gpg",
		"https://me:secret@github.com/acme/shop.git": "https://github.com/web-flow.gpg",
		"http://github.com/acme/shop":                "https://github.com/web-flow.gpg",
		"git@github.com:acme/shop.git":               "https://github.com/web-flow.gpg",
		"ssh://git@ssh.github.com:443/acme/shop.git": "https://github.com/web-flow.gpg",
		"https://git.example.com:8443/acme/shop":     "https://git.example.com:8443/web-flow.gpg",
		"ssh://git@git.example.com:2222/acme/shop":   "https://git.example.com/web-flow.gpg",
		"http://127.0.0.1:1234/acme/shop":            "http://127.0.0.1:1234/web-flow.gpg",
		"http://git.example.com:8080/acme/shop":      "https://git.example.com/web-flow.gpg",
		"/srv/shop.git":                              "",
		"file:///srv/shop.git":                       "",
	} {
		url, err := ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := WebFlowURL(url); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// publishes is a web host, and how often it was asked.
func publishes(t *testing.T, answer http.HandlerFunc) (w *WebFlow, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return &WebFlow{URL: server.URL + "/web-flow.gpg", File: filepath.Join(t.TempDir(), "mirrors", "web-flow.gpg")}, asked
}

// publicKeys are some of OpenPGP as they are without armour.
func publicKeys(t *testing.T) []byte {
	t.Helper()
	made, err := openpgp.NewEntity("GitHub", "", "noreply@github.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var public bytes.Buffer
	if err := made.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	return public.Bytes()
}

// TestWhatIsNoKeyOfGitHubIsNotKept, and who answers so is asked again after a while only.
func TestWhatIsNoKeyOfGitHubIsNotKept(t *testing.T) {
	t.Parallel()
	key := publicKeys(t)
	for says, answer := range map[string]http.HandlerFunc{
		"the answer is 404":         http.NotFound,
		"the answer is 302":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"the answer is no OpenPGP":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>log in")) },
		"longer than 1048576 bytes": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat(key, maxWebFlow/len(key)+1)) },
		"it holds no public key":    func(http.ResponseWriter, *http.Request) {},
		"unexpected EOF": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(key)
		},
	} {
		w, asked := publishes(t, answer)
		for range 3 {
			if err := w.have(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", says, err)
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%s: asked %d times", says, n)
		}
		if _, err := os.Stat(w.File); !os.IsNotExist(err) {
			t.Errorf("%s: %v", says, err)
		}
		if digest := (KeyFiles{WebFlow: w}).Digest(); digest != "" {
			t.Errorf("%s: digest %q", says, digest)
		}
	}
}

// TestWebFlowIsReadDaily, and what was kept is read from the disk unless it is no key.
func TestWebFlowIsReadDaily(t *testing.T) {
	key := publicKeys(t)
	synctest.Test(t, func(t *testing.T) {
		dir, asked, down := t.TempDir(), 0, false
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			asked++
			recorder := httptest.NewRecorder()
			if down {
				recorder.WriteHeader(http.StatusBadGateway)
			}
			_, _ = recorder.Write(key)
			return recorder.Result(), nil
		})
		start := func() *WebFlow {
			return &WebFlow{URL: "https://github.com/web-flow.gpg", File: filepath.Join(dir, "key"), Transport: transport}
		}
		w := start()
		have := func(times int) {
			t.Helper()
			if err := w.have(t.Context()); err != nil || asked != times {
				t.Errorf("%v, asked %d times, want %d", err, asked, times)
			}
		}
		have(1)
		digest := KeyFiles{WebFlow: w}.Digest()
		theirs := KeyFiles{WebFlow: w, Foreign: true}
		if keys, same, err := theirs.read(); err != nil || same != digest || len(keys.Names()) != 0 || strings.Contains(theirs.names(), "GitHub") {
			t.Errorf("of strangers: %v %v, digest %q, want %q", keys.Names(), err, same, digest)
		}
		time.Sleep(23 * time.Hour)
		have(1)
		time.Sleep(time.Hour)
		have(2)
		time.Sleep(24 * time.Hour)
		down = true
		have(3)
		have(3)
		time.Sleep(time.Minute)
		have(4)
		if again := (KeyFiles{WebFlow: w}).Digest(); digest == "" || again != digest {
			t.Errorf("digest %q, then %q", digest, again)
		}
		if err := os.WriteFile(w.File, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		w = start()
		if err := w.have(t.Context()); err == nil {
			t.Error("a torn file counts as a key")
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
