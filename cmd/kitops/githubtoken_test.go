//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// grantScene has actions that ask for a token, and a second repository.
func grantScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, apptest.Options{})
	s.env = append(s.env, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	s.AddRepository("acme", "other", apptest.RepositoryOptions{Private: true}).Push("main", nil)
	return s
}

// granting are the flags for a task whose action is a script that may use a token.
func (s *scene) granting(grant, script string) []string {
	s.t.Helper()
	s.write("action.sh", "set -x; cd $PLACE/home\n"+script)
	return s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main}
    actions:
      - {run: sh $PLACE/action.sh, inherit_environment: true, environment: {PLACE: $PLACE, GITHUB: $GITHUB}, github_token: ` + grant + `}
      - {run: 'env > $PLACE/home/without'}
`)
}

// asks calls GitHub's API with the token that an action was granted.
func (s *scene) asks(method, path, body string) int {
	s.t.Helper()
	req, err := http.NewRequest(method, s.APIURL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(s.read("granted")))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode
}

func TestGitHubTokenOfAnAction(t *testing.T) {
	s := grantScene(t)
	s.once(0, s.granting("true", `set +x; echo $GITHUB_TOKEN > $PLACE/granted`)...)
	s.wantSaid(s.first, "pending", "success")
	for path, want := range map[string]int{"/repos/acme/shop/commits/main": 200, "/repos/acme/other/commits/main": 404} {
		if got := s.asks(http.MethodGet, path, ""); got != want {
			t.Errorf("GET %s: %d, want %d", path, got, want)
		}
	}
	if got := s.asks(http.MethodPost, "/repos/acme/shop/statuses/"+s.first, `{"state":"success"}`); got != http.StatusForbidden {
		t.Errorf("a status by a token for reading: %d", got)
	}
	if strings.Contains(s.read("home/without"), "GITHUB_TOKEN") || strings.Contains(s.read("home/without"), "credential") {
		t.Error("an action that did not ask has a token")
	}

	s.shop.Push("main", nil)
	s.once(0, s.granting("{statuses: write}", `set +x; echo $GITHUB_TOKEN > $PLACE/granted`)...)
	if got := s.asks(http.MethodPost, "/repos/acme/shop/statuses/"+s.first, `{"state":"success"}`); got != http.StatusCreated {
		t.Errorf("a status by a token for it: %d", got)
	}
	if got := s.asks(http.MethodGet, "/repos/acme/shop/commits/main", ""); got == http.StatusOK {
		t.Error("a token for statuses reads contents")
	}

	third := s.shop.Push("main", nil)
	wantWords(t, s.once(1, s.granting("{issues: write}", `echo never > $PLACE/never`)...), "does not grant issues:write")
	s.wantSaid(third, "pending", "error")
	if s.exists("never") {
		t.Error("the action ran without its token")
	}
}

func TestGitInAnAction(t *testing.T) {
	s := grantScene(t)
	h := newStranger(t)
	s.once(0, s.granting("true", `
git clone -q $KITOPS_REPOSITORY_URL own && cp own/README.md $PLACE/cloned || exit 10
git clone -q $GITHUB/ACME/Shop.git case || exit 11
git clone -q $GITHUB/acme/other.git other && exit 12
git clone -q `+h.URL+`/acme/shop.git strange && exit 13
printf 'protocol=http\nhost=evil.example\npath=acme/shop.git\n\n' | git credential fill && exit 14
unset GITHUB_TOKEN; set +x; env > $PLACE/granted-environment; exit 0
`)...)
	if s.read("cloned") != "# Shop\n" {
		t.Errorf("cloned %q", s.read("cloned"))
	}
	if len(h.shown) == 0 || len(h.credentials()) > 0 {
		t.Errorf("another host was shown %d times, %d credentials", len(h.shown), len(h.credentials()))
	}
	if secretWord(s.read("granted-environment")) != "" {
		t.Error("the token is in more variables than GITHUB_TOKEN")
	}
	left, err := filepath.Glob(s.path("tmp/kitops-credential-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

// TestGitInALongAction has a token refused in the middle of an action: git
// says so to the helper, and the next git gets another one.
func TestGitInALongAction(t *testing.T) {
	s := grantScene(t)
	agent := s.start(s.granting("true", `
git ls-remote $KITOPS_REPOSITORY_URL || exit 10
touch $PLACE/begun; until [ -e $PLACE/revoked ]; do sleep 0.05; done
git ls-remote $KITOPS_REPOSITORY_URL && exit 11
git ls-remote $KITOPS_REPOSITORY_URL || exit 12
`)...)
	if !eventually(func() bool { return s.exists("begun") }) {
		t.Fatal(s.story())
	}
	s.installation.RevokeTokens()
	s.write("revoked", "")
	s.awaitStatus(s.first, "success")
	agent.stop()
}

// TestOtherUsersGetNoToken needs root, for there to be other users.
func TestOtherUsersGetNoToken(t *testing.T) {
	s := grantScene(t)
	for _, dir := range []string{filepath.Dir(s.dir), s.dir} { // nobody must come by
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := s.granting("true", `
socket=$(env | sed -n "s/.*credential '\(.*\)'$/\1/p"); echo $socket > $PLACE/tmp/socket
git ls-remote $KITOPS_REPOSITORY_URL || exit 10
until [ -e $PLACE/tried ]; do sleep 0.05; done
`)
	_ = os.Chmod(s.path("action.sh"), 0o755)
	who := os.Geteuid()
	if who == 0 {
		args = append(args, "--action-user", "nobody")
		_ = os.Chmod(s.path("tmp"), os.ModeSticky|0o777)
		_ = os.Chmod(s.path("home"), 0o777)
		who = nobody
	}
	agent := s.start(args...)
	var socket string
	if !eventually(func() bool { socket = strings.TrimSpace(s.read("tmp/socket")); return socket != "" }) {
		t.Fatal(s.story())
	}
	question := fmt.Sprintf("protocol=http\nhost=%s\npath=acme/shop.git\n\n", strings.TrimPrefix(s.URL, "http://"))
	ask := func(uid int) string {
		cmd := s.command("credential", socket, "get")
		cmd.Stdin = strings.NewReader(question)
		if uid != os.Geteuid() {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		}
		out, _ := cmd.Output() // the refused fail
		return string(out)
	}
	if !strings.Contains(ask(who), "password=ghs_") {
		t.Error("the action's user gets no token")
	}
	if os.Geteuid() == 0 {
		if out := ask(nobody - 1); out != "" {
			t.Error("another user gets through to the socket")
		}
		for _, path := range []string{socket, filepath.Dir(socket)} { // even were the folder open
			if err := os.Chmod(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if out := ask(nobody - 1); out != "" {
			t.Error("another user gets a token")
		}
	}
	s.write("tried", "")
	_ = os.Chmod(s.path("tried"), 0o644)
	s.awaitStatus(s.first, "success")
	agent.stop()
}
