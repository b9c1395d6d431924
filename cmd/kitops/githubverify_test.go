//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/bittrance/kitops/app/apptest"
)

const webFlowTasks = `tasks:
  - name: shop
    git: {url: "${GITHUB}/acme/shop.git", branch: main}
    interval: 1ns
    verify: {web_flow: true}
    actions: [{run: "echo $${DOLLAR}KITOPS_SHA $${DOLLAR}KITOPS_SIGNER >> ${PLACE}/told"}]
`

// keyRequests are for the key by which GitHub signs what is committed on its web pages.
var keyRequests = apptest.Filter{Path: "/web-flow.gpg"}

// TestWhatGitHubSignsIsSigned with web_flow, by the key that GitHub publishes: it is asked for daily, and where a signature is
// none of it. Without it nothing runs, and that is tried again.
func TestWhatGitHubSignsIsSigned(t *testing.T) {
	for name, o := range map[string]apptest.Options{"github.com": {}, "enterprise": {Enterprise: true}} {
		t.Run(name, func(t *testing.T) {
			s := newPromptScene(t, o)
			args := s.tasks(strings.ReplaceAll(webFlowTasks, "$${DOLLAR}", "${DOLLAR}"))
			down := s.Inject(keyRequests, 0, apptest.Fail(http.StatusServiceUnavailable, "down"))
			for range 2 { // not final
				wantWords(t, s.once(1, args...), "outcome=error", "read the key of GitHub's web pages, "+s.URL+"/web-flow.gpg: the answer is 503")
			}
			down.Lift()
			wantWords(t, s.once(1, args...), "not signed by one of GitHub (web-flow): not signed")
			if out := s.once(0, args...); strings.Contains(out, "run started") {
				t.Errorf("what is not signed is tried again:\n%s", out)
			}
			edited := s.shop.Edit("main", map[string]string{"a": "1"})
			s.once(0, args...)
			wantWords(t, s.read("told"), edited+" GitHub (web-flow) ")
			out := s.ends(0, append([]string{"doctor"}, args...)...)
			wantWords(t, out, "task shop: runs what is signed by GitHub (web-flow) ", fmt.Sprintf("task shop: head %.7s of main is signed by GitHub (web-flow) ", edited), ", key ")

			// Where it does not count, doctor says whose it is.
			s.write("keys", gpgKeys(t))
			others := s.tasks(strings.NewReplacer("$${DOLLAR}", "${DOLLAR}", "web_flow: true", "gpg_keys: keys").Replace(webFlowTasks))
			out = s.ends(0, append([]string{"doctor"}, others...)...)
			wantWords(t, out, "warn", fmt.Sprintf("head %.7s of main does not run: not signed by one of keys: by the OpenPGP key ", edited), "GitHub (web-flow) ", "web_flow: true has that count, and trusts whoever may merge there")
			args = s.tasks(strings.ReplaceAll(webFlowTasks, "$${DOLLAR}", "${DOLLAR}"))

			// The key of today is kept over restarts, and yesterday's counts on where there is no other.
			s.Reset()
			second := s.shop.Edit("main", map[string]string{"a": "2"})
			s.once(0, args...)
			if n := s.Count(keyRequests); n != 0 {
				t.Errorf("the key was asked for %d times in a day", n)
			}
			s.aged(25 * time.Hour)
			down = s.Inject(keyRequests, 0, apptest.Garbage())
			third := s.shop.Edit("main", map[string]string{"a": "3"})
			wantWords(t, s.once(0, args...), "level=WARN", "GitHub's key is not read anew", "the answer is no OpenPGP key")
			down.Lift()

			// GitHub may have another key at any time.
			s.aged(time.Hour)
			s.RenewWebFlow()
			fourth := s.shop.Edit("main", map[string]string{"a": "4"})
			s.once(0, args...)
			wantWords(t, s.read("told"), second+" GitHub", third+" GitHub", fourth+" GitHub")

			// What somebody pushes is not signed by it.
			s.once(0, args...)
			s.shop.Push("main", nil)
			wantWords(t, s.once(1, args...), "not signed by one of")
		})
	}
}

// aged has GitHub's key be so old.
func (s *scene) aged(by time.Duration) {
	s.t.Helper()
	found, err := filepath.Glob(s.path("clones/mirrors/web-flow-*.gpg"))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("keys that are kept: %v %v", found, err)
	}
	then := time.Now().Add(-by)
	if err := os.Chtimes(found[0], then, then); err != nil {
		s.t.Fatal(err)
	}
}

// gpgKeys are those of somebody who has signed nothing.
func gpgKeys(t *testing.T) string {
	t.Helper()
	e, err := openpgp.NewEntity("anna", "", "anna@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var keys bytes.Buffer
	if err := e.Serialize(&keys); err != nil {
		t.Fatal(err)
	}
	return keys.String()
}
