package actions_test

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// stranger is a user that nobody else on this host is: two tests must not end each other's processes.
func stranger(t *testing.T, n int) *actions.User {
	t.Helper()
	u, err := actions.Stranger(strconv.Itoa(20_000_000 + 8*os.Getpid() + n))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestEndAll ends what shows no mark of its action any more, and what multiplies.
func TestEndAll(t *testing.T) {
	if os.Geteuid() != 0 {
		return // nobody to become
	}
	n := 0
	all := &actions.Processes{}
	if err := all.EndAll(stranger(t, n)); err != nil {
		t.Errorf("nobody there: %v", err)
	}
	for name, script := range map[string]string{
		"hidden":      `setsid env -i sh -c '(sleep 1000 >/dev/null 2>&1 & echo $!)'`,
		"deaf":        `trap '' TERM HUP INT; (while :; do sleep 1000; done) >/dev/null 2>&1 & echo $!`,
		"hopping":     `(trap '' TERM; hop() { { sleep 0.002; hop; } & exit; }; hop) >/dev/null 2>&1 & echo $!`,
		"suspended":   `sleep 1000 >/dev/null 2>&1 & kill -STOP $!; echo $! && exec >/dev/null`,
		"many":        `i=0; while [ $i -lt 100 ]; do i=$((i+1)); setsid env -i sleep 1000 >/dev/null 2>&1 & done; echo $!`,
		"multiplying": `limit() { (ulimit $1 100) 2>/dev/null && ulimit $1 100; }; limit -p || limit -u || { echo none; exit 0; }; (breed() { [ $1 -gt 0 ] && { breed $(($1-1)) & breed $(($1-1)) & wait; breed 3; }; }; breed 3) >/dev/null 2>&1 & echo $!`,
	} {
		t.Run(name, func(t *testing.T) {
			n++
			u := stranger(t, n)
			o := options(t)
			o.Dir, o.User, o.Processes = "/", u, all
			r := run(t, script, o)
			receive(t, "process id", r.lines)
			if err := receive(t, "end", r.ended); err != nil {
				t.Fatal(err)
			}
			if err := all.EndAll(u); err != nil {
				t.Error(err)
			}
			if left := actions.ProcessesOf(u.UID); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
	self := &actions.User{Name: "root", UID: os.Geteuid()}
	if err := all.EndAll(self); err == nil {
		t.Error("kitops would end itself")
	}
}

// TestStranger needs no entry in the user database.
func TestStranger(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		if _, err := actions.Stranger("20000001"); err == nil {
			t.Error("a user who is not root becomes another")
		}
		return
	}
	u, err := actions.Stranger("20000001")
	if err != nil || u.UID != 20000001 || u.GID != 20000001 || !u.IsAnother() || u.IsIn(0) {
		t.Errorf("%+v %v", u, err)
	}
	if u, err := actions.Stranger("nobody"); err != nil || u.Name != "nobody" || u.UID == 0 {
		t.Errorf("%+v %v", u, err)
	}
	if u, err := actions.Stranger("0"); err == nil && u.IsAnother() {
		t.Errorf("%+v", u)
	}
	for _, name := range []string{"no-such-user", "-1", "4294967296", ""} {
		if u, err := actions.Stranger(name); err == nil {
			t.Errorf("%q: %+v", name, u)
		}
	}
	var out buffer
	o := actions.Options{Dir: "/", Environ: []string{path}, Out: &out, User: u}
	if err := errors.Join(err, sh(`id -u; id -G`).Run(t.Context(), o)); err != nil || out.String() != "20000001\n20000001\n" {
		t.Errorf("%v %q", err, out.String())
	}
}
