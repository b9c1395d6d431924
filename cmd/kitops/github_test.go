//go:build unix

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/app/apptest"
)

func TestPrivateRepositoryWithStatuses(t *testing.T) {
	s := newScene(t, apptest.Options{LongTokens: true, SecondaryLimits: true})
	agent := s.start(append(s.task(`cat README.md > $PLACE/seen; sleep 0.2; `+note), "--status-url", "https://ci.example.com/{task}/{sha}/{run}")...)
	status := s.awaitStatus(s.first, "success")
	if status.Context != "kitops/shop" || !strings.HasPrefix(status.Description, "shop: succeeded in ") {
		t.Errorf("status %+v", status)
	}
	if !strings.HasPrefix(status.TargetURL, "https://ci.example.com/shop/"+s.first+"/20") {
		t.Errorf("target %s", status.TargetURL)
	}
	if s.read("seen") != "# Shop\n" {
		t.Errorf("checked out %q", s.read("seen"))
	}
	second := s.shop.Push("main", map[string]string{"new": "file"})
	s.awaitStatus(second, "success")
	agent.stop()
	s.wantSaid(s.first, "pending", "success")
	s.wantSaid(second, "pending", "success")
	s.wantRan(s.first, second)
	if n := s.Count(tokenRequests); n != 1 {
		t.Errorf("%d tokens for one installation", n)
	}
}

func TestEnterpriseServer(t *testing.T) {
	s := newScene(t, apptest.Options{Enterprise: true, TLS: true})
	s.env = append(s.env, "SSL_CERT_FILE="+s.write("ca.pem", string(s.CA)))
	// The address is ssh's, as people have it: the App goes over https.
	args := s.task(note)
	args[slices.Index(args, "--url")+1] = "ssh://git@" + strings.TrimPrefix(s.URL, "https://") + "/acme/shop.git"
	s.once(0, args...)
	s.wantRan(s.first)
	s.wantSaid(s.first, "pending", "success")
}

func TestPatternsOfBranches(t *testing.T) {
	s := newScene(t, apptest.Options{})
	old := s.shop.Push("release/1", map[string]string{"v": "1"})
	agent := s.start(s.tasks(`
tasks:
  - name: release
    git: {url: $GITHUB/acme/shop, branches: ["release/*", "!release/old-*"]}
    github: {status_context: deliver}
    actions: [{run: 'echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran'}]
`)...)
	agent.says("remembered, not run", 1)
	s.shop.Push("release/old-2", map[string]string{"v": "0"})
	added := s.shop.Push("release/2", map[string]string{"v": "2"})
	if status := s.awaitStatus(added, "success"); status.Context != "deliver" {
		t.Errorf("context %s", status.Context)
	}
	agent.stop()
	s.wantRan(added)
	s.wantSaid(old)
}

func TestPollOnceWaitsForItsStatuses(t *testing.T) {
	s := newScene(t, apptest.Options{})
	slow := s.Inject(statusPosts, 2, apptest.Slow(2*time.Second))
	fails := s.Inject(statusPosts, 1, apptest.Fail(http.StatusBadGateway, ""))
	s.once(0, s.task(note)...)
	if slow.Hits() == 0 || slow.Hits()+fails.Hits() < 2 {
		t.Errorf("%d posts", slow.Hits()+fails.Hits())
	}
	s.wantSaid(s.first, "pending", "success")
}

func TestShutdownIsReported(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(`touch $PLACE/begun; exec sleep 1000`)...)
	s.awaitStatus(s.first, "pending")
	if !eventually(func() bool { return s.exists("begun") }) {
		t.Fatal("no action")
	}
	agent.stop()
	s.wantSaid(s.first, "pending", "error")
	last := s.statuses(s.first)[1]
	wantWords(t, last.Description, "interrupted", "will run again")
	agent = s.start(s.task(note)...)
	s.awaitStatus(s.first, "success")
	agent.stop()
	s.wantSaid(s.first, "pending", "error", "success")
}

func TestRepeatedTriesSayNothingNew(t *testing.T) {
	s := newScene(t, apptest.Options{})
	agent := s.start(s.task(note + `; test -e $PLACE/mended`)...)
	agent.says(`attempt=4`, 1)
	status := s.awaitStatus(s.first, "failure")
	wantWords(t, status.Description, "shop: action failed with exit code 1 after ")
	s.write("mended", "")
	s.awaitStatus(s.first, "success")
	agent.stop()
	s.wantSaid(s.first, "pending", "failure", "success")
}

func TestLongNamesAreCut(t *testing.T) {
	s := newScene(t, apptest.Options{})
	name, action := strings.Repeat("größe", 18), strings.Repeat("日本語", 30)
	s.once(1, s.tasks(fmt.Sprintf(`
tasks:
  - name: %s
    git: {url: $GITHUB/acme/shop, branch: main}
    github: {status_context: short}
    actions: [{name: %s, run: 'echo secret output; exit 3'}]
`, name, action))...)
	s.wantSaid(s.first, "pending", "failure")
	for _, status := range s.statuses(s.first) {
		if n := utf8.RuneCountInString(status.Description); n > 140 || !utf8.ValidString(status.Description) || strings.Contains(status.Description, "secret") {
			t.Errorf("%d characters: %s", n, status.Description)
		}
	}
}

func TestInstancesAndStatusesTurnedOff(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.once(0, append(s.task(note), "--instance", "staging")...)
	if all := s.statuses(s.first); len(all) == 0 || all[len(all)-1].Context != "kitops/shop@staging" {
		t.Errorf("statuses %+v", all)
	}
	second := s.shop.Push("main", nil)
	s.once(0, append(s.task(note), "--github-status-context", "off")...)
	s.wantSaid(second)
	s.wantRan(s.first, second)
}

func TestDefaultBranchAndEmptyRepository(t *testing.T) {
	s := newScene(t, apptest.Options{})
	empty := s.AddRepository("acme", "empty", apptest.RepositoryOptions{Private: true, DefaultBranch: "trunk"})
	agent := s.start(append(s.github(), "--url", empty.CloneURL(), "--action", note, "--environment", "PLACE="+s.dir)...)
	agent.says("has no branches yet", 1)
	sha := empty.Push("trunk", map[string]string{"a": "b"})
	s.await("the status of the first push", func() bool {
		all := empty.Statuses(sha)
		return len(all) > 0 && all[len(all)-1].State == "success"
	})
	agent.stop()
	s.wantRan(sha)
}
