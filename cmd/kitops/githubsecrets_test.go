//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// secretWord is a token, a JWT or a key in a text, if there is one. Most texts have
// not even its beginning, which is found sooner.
func secretWord(text string) string {
	for _, beginning := range []string{"ghs_", "eyJ", "PRIVATE KEY"} {
		if strings.Contains(text, beginning) {
			return secretWords.FindString(text)
		}
	}
	return ""
}

var secretWords = regexp.MustCompile(`ghs_[A-Za-z0-9._-]{10,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|PRIVATE KEY`)

// findSecrets looks for secrets in all that kitops wrote. What an action was
// granted it may write to files named granted.
func (s *scene) findSecrets() {
	keys := []string{} // a few characters of each line are enough
	for line := range strings.Lines(string(s.app.PrivateKey())) {
		if line = strings.TrimSpace(line); len(line) > 40 && !strings.HasPrefix(line, "-----") {
			keys = append(keys, line[10:40])
		}
	}
	pieces := apptest.NewSecrets(keys...)
	raws, _ := s.Raws() // a scene of very many requests may have lost some
	for _, r := range raws {
		for name, values := range r.Header {
			if name == "Authorization" {
				continue // is where a token belongs
			}
			if found := secretWord(strings.Join(values, " ")); found != "" {
				s.t.Errorf("a secret in the header %s of %s: %.12s…", name, r.Target, found)
			}
		}
		text := r.Target + string(r.Body)
		if found := secretWord(text); found != "" {
			s.t.Errorf("a secret in %s: %.12s…", r.Target, found)
		}
		if len(pieces.Leaks([]byte(text))) > 0 {
			s.t.Errorf("a piece of the key in %s", r.Target)
		}
	}
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "key.pem" || strings.HasPrefix(entry.Name(), "granted") {
			return err
		}
		data, err := os.ReadFile(path)
		text := string(data)
		if found := secretWord(text); found != "" {
			s.t.Errorf("a secret in %s: %.12s…", path, found)
		}
		if slices.ContainsFunc(keys, func(key string) bool { return strings.Contains(text, key) }) {
			s.t.Errorf("a piece of the key in %s", path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

// TestNothingSecretIsWritten has actions write down all they can see; what
// they and kitops have written is searched at the end of every scene.
func TestNothingSecretIsWritten(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]bool{"short tokens": false, "long tokens": true} {
		t.Run(name, func(t *testing.T) { nothingSecretIsWritten(t, long) })
	}
}

func nothingSecretIsWritten(t *testing.T, long bool) {
	t.Helper()
	s := newScene(t, apptest.Options{LongTokens: long})
	s.env = append(s.env, "KITOPS_GITHUB_PRIVATE_KEY="+strings.ReplaceAll(string(s.app.PrivateKey()), "\n", `\n`), "MARK=inherited")
	args := s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main}
    actions:
      - inherit_environment: true
        run: |
          env > $PLACE/environment
          tr '\0' '\n' < /proc/${DOLLAR}PPID/cmdline > $PLACE/arguments || ps -o args= -p ${DOLLAR}PPID > $PLACE/arguments
          cp -r $PLACE/clones $PLACE/seen
          cp $PLACE/state.yaml $PLACE/seen-state
          echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran
          test -e $PLACE/mended
`)
	args = slices.DeleteFunc(args, func(arg string) bool { return strings.HasSuffix(arg, "key-file") || strings.HasSuffix(arg, "key.pem") })
	agent := s.start(args...)
	s.awaitStatus(s.first, "failure")
	// Trouble makes programs talkative.
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError, http.StatusUnprocessableEntity} {
		s.Inject(looksAtMain, 1, apptest.Fail(status, "Bad credentials"))
		s.Inject(gitFetches, 1, apptest.Fail(status, "Bad credentials"))
	}
	s.write("mended", "")
	second := s.shop.Push("main", nil)
	s.awaitStatus(second, "success")
	agent.stop()
	environment := s.read("environment")
	wantWords(t, environment, "MARK=inherited", "KITOPS_SHA="+second)
	if strings.Contains(environment, "PRIVATE_KEY") || strings.Contains(environment, "GITHUB_TOKEN") {
		t.Error("the action's environment holds the key or a token")
	}
	wantWords(t, s.read("arguments"), "--config-file")
	wantWords(t, s.ends(0, append([]string{"check"}, slices.Concat(args, s.memory())...)...), s.app.ClientID)
	for _, status := range slices.Concat(s.statuses(s.first), s.statuses(second)) {
		if secretWord(status.Description+status.TargetURL) != "" {
			t.Errorf("status %+v", status)
		}
	}
}

// stranger is another host, which notes what it is shown.
type stranger struct {
	*httptest.Server
	mu    sync.Mutex
	shown []string
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	h := &stranger{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.shown = append(h.shown, r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", `Basic realm="stranger"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *stranger) credentials() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.shown), func(shown string) bool { return shown == "" })
}

func TestRedirectsGetNoToken(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]apptest.Filter{
		"the App": {Kind: apptest.REST, Auth: apptest.AsApp}, "looks": looksAtMain, "statuses": statusPosts, "git": {Kind: apptest.Git},
	} {
		for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				s := newScene(t, apptest.Options{})
				h := newStranger(t)
				astray := s.Inject(filter, 0, apptest.Redirect(status, h.URL))
				agent := s.start(s.task(note)...)
				s.await("a redirect", func() bool { return astray.Hits() > 1 })
				agent.stop()
				if shown := h.credentials(); len(shown) > 0 {
					t.Errorf("%d times credentials were shown to a stranger", len(shown))
				}
			})
		}
	}
}

func TestPlainHTTPGetsNoToken(t *testing.T) {
	s := newScene(t, apptest.Options{})
	args := s.task(note)
	args[slices.Index(args, "--github-api-url")+1] = "http://github.invalid/api/v3"
	wantWords(t, s.ends(2, append([]string{"check"}, slices.Concat(args, s.memory())...)...), "https")
	// A task elsewhere is none of the App's business.
	args = s.task(note)
	h := newStranger(t)
	args[slices.Index(args, "--url")+1] = h.URL + "/acme/shop.git"
	s.once(1, args...)
	if len(h.shown) == 0 || len(h.credentials()) > 0 {
		t.Errorf("the other host was shown %d times, %d credentials", len(h.shown), len(h.credentials()))
	}
	if n := s.Count(apptest.Filter{}); n > 0 {
		t.Errorf("GitHub was asked %d times about another host", n)
	}
}
