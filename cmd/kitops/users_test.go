//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/secret"
)

// probe notes what its user may do with what is kitops'.
const probe = `
name=$1; exec >$PLACE/pub/$name.part 2>/dev/null
. $PLACE/pub/info
may() {
	[ -r "$2" ] && echo "read $1"
	[ -w "$2" ] && echo "write $1"
}
may key $PLACE/key.pem
may task-file $PLACE/tasks.yaml
may state $PLACE/state.yaml
may state-lock $PLACE/state.yaml.lock
may clones $PLACE/clones
may clones-lock $PLACE/clones/kitops.lock
may mirrors $PLACE/clones/mirrors
may kept $PLACE/clones/kept
may checkout $work
may file $work/README.md
may dot-git $work/.git/HEAD
may setup $PLACE/conf
may setup-key $PLACE/conf/app.pem
may socket-folder ${socket%/*}
cat /proc/$agent/environ >/dev/null && echo read environment
(: </proc/$agent/mem) && echo read memory
kill -0 $agent && echo signal kitops
printf 'protocol=http\nhost=%s\npath=acme/shop.git\n\n' $host | kitops credential $socket get | grep -q password && echo get token
mv $PLACE/pub/$name.part $PLACE/pub/$name
`

// TestUsersOfTheMachine has an action, what an action left behind, and another
// user try all that is kitops': with a user for actions and without one, as
// root and not. What root's own actions may do is all.
func TestUsersOfTheMachine(t *testing.T) {
	const agentUser, stranger = 54321, 54322
	theirs := []string{"get token", "read checkout", "read dot-git", "read file", "write checkout", "write dot-git", "write file"}
	own := []string{
		"get token", "read checkout", "read clones", "read clones-lock", "read dot-git", "read file", "read kept", "read key", "read mirrors",
		"read setup", "read setup-key", "read socket-folder", "read state", "read state-lock", "read task-file", "signal kitops",
		"write checkout", "write clones", "write clones-lock", "write dot-git", "write file", "write kept", "write key", "write mirrors",
		"write setup", "write setup-key", "write socket-folder", "write state", "write state-lock", "write task-file",
	}
	for name, c := range map[string]struct {
		agent   int      // who kitops is
		flags   []string // for whom actions are
		actions []string // what they may; nil: not asked
	}{
		"two":  {0, []string{"--action-user", "nobody"}, theirs},
		"root": {0, nil, nil},
		"user": {agentUser, nil, own},
	} {
		t.Run(name, func(t *testing.T) {
			root := os.Geteuid() == 0
			if !root && c.agent == 0 {
				return // as whom there is no root to be
			}
			s := newScene(t, apptest.Options{})
			s.env = append(s.env, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "PLACE="+s.dir)
			if err := os.Mkdir(s.path("pub"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := app.Storable(s.path("conf")); err != nil {
				t.Fatal(err)
			}
			if _, err := (app.Registration{ID: 1, PEM: secret.New("a key")}).Store(s.path("conf"), false); err != nil {
				t.Fatal(err)
			}
			s.write("probe.sh", probe)
			s.write("leave.sh", `(setsid sh -c 'until [ -e $PLACE/pub/go ]; do sleep 0.05; done; sh $PLACE/probe.sh leftover' &)`)
			s.write("stay.sh", `env | sed -n "s/.*credential '\(.*\)'$/socket=\1/p" >$PLACE/pub/mine; echo work=$PWD >>$PLACE/pub/mine
until [ -e $PLACE/pub/go ]; do sleep 0.05; done; sh $PLACE/probe.sh action; until [ -e $PLACE/pub/done ]; do sleep 0.05; done`)
			args := append(s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main, checkout: reuse, dot_git: true}
    actions:
      - {run: sh $PLACE/leave.sh, inherit_environment: true, environment: {PLACE: $PLACE}}
      - {run: sh $PLACE/stay.sh, inherit_environment: true, environment: {PLACE: $PLACE}, github_token: true}
`), c.flags...)
			for _, dir := range []string{filepath.Dir(s.dir), s.dir} { // nobody must come by
				if err := os.Chmod(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			err := filepath.WalkDir(s.dir, func(path string, _ fs.DirEntry, err error) error {
				if err == nil && root {
					err = os.Lchown(path, c.agent, c.agent)
				}
				return err
			})
			for name, mode := range map[string]fs.FileMode{"pub": 0o777 | fs.ModeSticky, "tmp": 0o777 | fs.ModeSticky, "probe.sh": 0o644, "leave.sh": 0o644, "stay.sh": 0o644, "home": 0o777} {
				if err == nil {
					err = os.Chmod(s.path(name), mode)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			as := func(cmd *exec.Cmd, uid int) *exec.Cmd {
				if root && uid != 0 {
					cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
				}
				return cmd
			}
			agent := as(s.command(append(args, s.memory()...)...), c.agent)
			log, err := os.Create(s.path("agent.log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			agent.Stdout, agent.Stderr = log, log
			if err := agent.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = agent.Process.Signal(syscall.SIGTERM)
				_ = agent.Wait()
			}()
			if !eventually(func() bool { return strings.Contains(s.read("pub/mine"), "work=") }) {
				t.Fatal(s.story())
			}
			s.write("pub/info", fmt.Sprintf("%sagent=%d\nhost=%s\n", s.read("pub/mine"), agent.Process.Pid, strings.TrimPrefix(s.URL, "http://")))
			if err := os.Chmod(s.path("pub/info"), 0o644); err != nil {
				t.Fatal(err)
			}
			want := map[string][]string{"leftover": c.actions, "action": c.actions}
			if root {
				want["other"] = nil
				other := as(s.command(), stranger)
				other.Path, other.Args = "/bin/sh", []string{"sh", s.path("probe.sh"), "other"}
				if out, err := other.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			s.write("pub/go", "")
			for who, may := range want {
				if !eventually(func() bool { return s.exists("pub/" + who) }) {
					t.Fatalf("%s: no word\n%s", who, s.story())
				}
				got := strings.Split(strings.TrimSpace(s.read("pub/"+who)), "\n")
				slices.Sort(got)
				t.Logf("%s: %q", who, got)
				if who != "other" && c.actions == nil {
					continue
				}
				if what := strings.Join(got, ", "); what != strings.Join(may, ", ") {
					t.Errorf("%s may\n%s, want\n%s", who, what, strings.Join(may, ", "))
				}
			}
			s.write("pub/done", "")
		})
	}
}
