package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

const strangersTask = `
tasks:
  - name: check
    git: {url: "${GITHUB}/acme/shop.git", branch: main, dot_git: true, submodules: true}
    on_new: run
    parallel: 2
    pull_requests: {MORE}
    secrets: {FROM_FILE: {file: ${PLACE}/secret}}
    actions:
      - run: exec sh ./test.sh
        inherit_environment: true
        github_token: true
        environment: {PLACE: ${PLACE}, DEPLOY_TOKEN: "of the operator", PLAIN: "yes"}
    always:
      - run: echo "${DOLLAR}KITOPS_REF ${DOLLAR}(id -u) ${DOLLAR}FROM_FILE" >> ${PLACE}/pub/always
        environment: {PLACE: ${PLACE}}
`

// trusted is what a run of main does: it stays, and tells where it is.
const trusted = `printf 'work=%s\nhome=%s\ntemp=%s\npid=%s\n' "$PWD" "$HOME" "$TMPDIR" $$ >$PLACE/pub/trusted.part
echo secret >$TMPDIR/secret-file; chmod 600 $TMPDIR/secret-file; echo file=$TMPDIR/secret-file >>$PLACE/pub/trusted.part
mv $PLACE/pub/trusted.part $PLACE/pub/trusted
until [ -e $PLACE/pub/done ]; do sleep 0.05; done
`

// attack is what a stranger has written: it notes what it may.
const attack = `exec >$PLACE/pub/attack.part 2>/dev/null
. $PLACE/pub/trusted; . $PLACE/pub/agent
echo "user $(id -u) $(id -G)"
for name in FROM_FILE DEPLOY_TOKEN GITHUB_TOKEN GIT_CONFIG_COUNT OF_THE_AGENT PLAIN; do [ -n "$(printenv $name)" ] && echo "has $name"; done
case $HOME in $PLACE/clones/work/*) echo own home;; esac
case $TMPDIR in $PLACE/clones/work/*) echo own temp;; esac
[ -e $HOME/left ] || [ -e $TMPDIR/left ] && echo "home of before"
touch $HOME/left $TMPDIR/left && echo write home
may() {
	[ -r "$2" ] && echo "read $1"
	[ -w "$2" ] && echo "write $1"
}
may key $PLACE/key.pem
may secret $PLACE/secret
may task-file $PLACE/tasks.yaml
may state $PLACE/state.yaml
may history $PLACE/state.yaml.history
may clones $PLACE/clones
may mirrors $PLACE/clones/mirrors
ls $PLACE/clones/mirrors && echo list mirrors
ls $PLACE/clones/work && echo list workdirs
may checkout $work
may file $work/README.md
may dot-git $work/.git/HEAD
may temp-file $file
may own-git .git/HEAD
may socket $PLACE/state.yaml.sock
for p in $agent $PPID $pid; do cat /proc/$p/environ >/dev/null && echo read environment; (: </proc/$p/mem) && echo read memory; done
kill -0 $agent && echo signal kitops
kill -0 $pid && echo signal another action
ls /proc/$pid/fd /proc/$pid/cwd/ && echo look into another action
kitops pause check --control $PLACE/state.yaml.sock && echo give orders
kitops status --control $PLACE/state.yaml.sock && echo ask kitops
ln -s /etc/shadow shadow; ln $PLACE/key.pem hard && echo link
(setsid env -i sh -c "while :; do echo alive >$PLACE/pub/alive; sleep 0.05; done" &)
mv $PLACE/pub/attack.part $PLACE/pub/attack
`

var strangersMade atomic.Int32

// strangerID is a user that nobody else on this host is: two tests must not end each other's processes.
func strangerID() string {
	return strconv.Itoa(50_000_000 + 16*os.Getpid() + int(strangersMade.Add(1)))
}

// strangersScene is one whose agent is root, with a user for actions and one for strangers. It returns that.
func strangersScene(t *testing.T) (*scene, string) {
	t.Helper()
	s := pullScene(t)
	s.env = append(s.env, "OF_THE_AGENT=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	for _, dir := range []string{filepath.Dir(s.dir), s.dir} { // nobody must come by
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(s.path("pub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"pub", "tmp"} {
		if err := os.Chmod(s.path(dir), 0o777|os.ModeSticky); err != nil {
			t.Fatal(err)
		}
	}
	s.write("secret", "a secret of the operator")
	return s, strangerID()
}

// processesOf are the living processes of a user.
func processesOf(uid string) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range all {
		data, _ := os.ReadFile(path)
		if text := string(data); strings.Contains(text, "\nUid:\t"+uid+"\t") && !strings.Contains(text, "State:\tZ") {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

// TestStrangersGetAtNothing has what a bot has pushed try all that is kitops', other actions' and other runs', while a run
// that is trusted goes on.
func TestStrangersGetAtNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		return // as whom there is nobody else to be
	}
	s, uid := strangersScene(t)
	main := s.shop.Push("main", map[string]string{"test.sh": trusted, "README.md": "# Shop\n"})
	args := append(s.tasks(strings.ReplaceAll(strangersTask, "MORE", "from: repository")), "--action-user", "nobody", "--untrusted-user", uid)
	agent := s.start(args...)
	s.await("the trusted run", func() bool { return s.exists("pub/trusted") })
	s.write("pub/agent", fmt.Sprintf("agent=%d\n", agent.cmd.Process.Pid))
	if err := os.Chmod(s.path("pub/agent"), 0o644); err != nil {
		t.Fatal(err)
	}
	open := s.shop.OpenPull("dependabot[bot]", apptest.PullOptions{Branch: "dependabot/npm", Files: map[string]string{"test.sh": attack}})
	want := []string{"has PLAIN", "own home", "own temp", "read own-git", "user " + uid + " " + uid, "write home", "write own-git"}
	for n := range 2 {
		s.awaitStatus(open.Head(), "success")
		got := strings.Split(strings.TrimSpace(s.read("pub/attack")), "\n")
		slices.Sort(got)
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("it may\n%s, want\n%s\n%s", strings.Join(got, ", "), strings.Join(want, ", "), s.story())
		}
		if left := processesOf(uid); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if n == 0 {
			if err := os.Remove(s.path("pub/attack")); err != nil {
				t.Fatal(err)
			}
			open.Push(map[string]string{"more": "1"})
		}
	}
	s.await("homes are gone", func() bool { homes, _ := filepath.Glob(s.path("clones/work/*/.home")); return len(homes) == 0 })
	s.write("pub/done", "")
	if err := os.Chmod(s.path("pub/done"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.awaitStatus(main, "success")
	agent.says("not given to what a stranger has written: DEPLOY_TOKEN, FROM_FILE, github_token, inherit_environment", 1)
	agent.stop()
	for _, line := range strings.Split(strings.TrimSpace(s.read("pub/always")), "\n") {
		trusted := strings.HasPrefix(line, "refs/heads/main 65534 a secret")
		if !trusted && strings.TrimSpace(line) != "refs/pull/1/head "+uid {
			t.Errorf("afterwards: %s", line)
		}
	}
	mirrors, _ := filepath.Glob(s.path("clones/mirrors/*"))
	holding := 0
	for _, dir := range mirrors {
		if strings.Contains(tree(t, dir), open.Head()) {
			holding++
		}
	}
	if len(mirrors) != 2 || holding != 1 {
		t.Errorf("%d mirrors, of which %d know the head of the bot", len(mirrors), holding)
	}
	if parked, _ := filepath.Glob(s.path("clones/parked/*")); len(parked) > 1 {
		t.Errorf("parked: %v", parked)
	}
}

// tree is what the small files below a directory hold.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // what goes meanwhile holds nothing
		}
		if info, err := e.Info(); err == nil && info.Size() < 1<<20 {
			data, _ := os.ReadFile(path)
			all.WriteString(path + "\n" + string(data) + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestBotsWaitWithoutAUserOfTheirOwn, and status says for what.
func TestBotsWaitWithoutAUserOfTheirOwn(t *testing.T) {
	s := pullScene(t)
	open := s.shop.OpenPull("dependabot[bot]", apptest.PullOptions{Branch: "dependabot/npm", Files: map[string]string{"a": "1"}})
	agent := s.start(s.pulls("from: repository")...)
	agent.says("dependabot.bot. is not trusted, and what strangers have written runs only as a user of its own: --untrusted-user", 1)
	status := s.ends(0, "status", "check", "--control", s.path("state.yaml.sock"))
	wantWords(t, status, "pull/1/head", "is not trusted")
	agent.stop()
	if said := s.said(open.Head()); len(said) > 0 || s.read("told") != "" {
		t.Error(said, s.read("told"))
	}
}

// TestUntrustedUserThatIsNoneOfItsOwn is refused.
func TestUntrustedUserThatIsNoneOfItsOwn(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	s := pullScene(t)
	args := s.pulls("from: approved")
	wantWords(t, s.ends(2, append(args, "--poll-once")...), "from: approved runs what strangers have written", "--untrusted-user")
	wantWords(t, s.ends(1, append([]string{"doctor", "--state-file", s.path("state.yaml")}, append(args, "--untrusted-user", "same")...)...),
		"FAIL  untrusted user: what strangers have written runs as the user of all other actions", "task check: can list pull requests")
	wantWords(t, s.ends(0, append([]string{"doctor", "--state-file", s.path("state.yaml")}, append(args, "--untrusted-user", strangerID())...)...),
		"ok    untrusted user: what strangers have written runs as", "the App does not ask for issues:read", "may use all memory and processors of this machine: set limits")
	for user, want := range map[string]string{
		"root":   "root is kitops' own user",
		"nobody": "nobody is the user of --action-user, too",
		"_apt":   "_apt is in the group of the user of --action-user",
		"0":      "0 is no user id",
	} {
		said := s.once(2, append(args, "--action-user", "nobody", "--untrusted-user", user)...)
		wantWords(t, said, "--untrusted-user: ", want)
	}
}
