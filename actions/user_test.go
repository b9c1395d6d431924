//go:build unix

package actions_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// another is a user the tests may not be: root, or for root itself nobody.
func another() string {
	if os.Geteuid() == 0 {
		return "nobody"
	}
	return "root"
}

func TestLookupUser(t *testing.T) {
	t.Parallel()
	self, err := actions.LookupUser(strconv.Itoa(os.Geteuid()))
	if err != nil {
		t.Fatal(err)
	}
	if self.UID != os.Geteuid() || self.Name == "" || self.Home == "" {
		t.Errorf("self: %+v", self)
	}
	for _, name := range []string{"no-such-user", "2147480000", ""} {
		if u, err := actions.LookupUser(name); err == nil {
			t.Errorf("%q: %+v", name, u)
		}
	}
}

func TestAnotherUser(t *testing.T) {
	t.Parallel()
	u, err := actions.LookupUser(another())
	if os.Geteuid() != 0 {
		if err == nil || !strings.Contains(err.Error(), "must be root") {
			t.Errorf("got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if byID, err := actions.LookupUser(strconv.Itoa(u.UID)); err != nil || fmt.Sprint(*byID) != fmt.Sprint(*u) {
		t.Errorf("by id: %+v, %v, want %+v", byID, err, u)
	}
	var out buffer
	o := actions.Options{Dir: "/", Environ: []string{path, "HOME=/root", "USER=root"}, Out: &out, User: u}
	if err := sh(`echo "$(id -u) $(id -g) $(id -G) $USER $HOME"`).Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	groups := strings.Trim(fmt.Sprint(u.Groups), "[]")
	if want := fmt.Sprintf("%d %d %s %s %s\n", u.UID, u.GID, groups, u.Name, u.Home); out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestTemporaryDirectoryOfUser(t *testing.T) {
	t.Parallel()
	u, err := actions.LookupUser(another())
	if err != nil { // not root: nobody to become, so be ourselves, who keep what they have
		if u, err = actions.LookupUser(strconv.Itoa(os.Geteuid())); err != nil {
			t.Fatal(err)
		}
	}
	top := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"sticky": fs.ModeSticky | 0o777, "closed": 0o700, "readable": 0o755, "closed/below": 0o777} {
		dir := top + "/" + name
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(top, 0o755), os.Chmod(filepath.Dir(top), 0o755), os.Symlink("sticky", top+"/link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"sticky": true, "link": true, "closed": false, "readable": false, "closed/below": false, "none": false} {
		var out buffer
		dir := top + "/" + name
		if u.UID == os.Geteuid() {
			want = true
		}
		o := actions.Options{Dir: "/", Environ: []string{path, "TMPDIR=" + dir}, Out: &out, User: u}
		if err := sh("echo $TMPDIR").Run(t.Context(), o); err != nil || (out.String() == dir+"\n") != want {
			t.Errorf("%s: %v, got %q, want %t", name, err, out.String(), want)
		}
	}
}

func TestUserMayNotEnter(t *testing.T) {
	t.Parallel()
	u, err := actions.LookupUser(another())
	if err != nil { // not root: nobody to become, so be ourselves
		if u, err = actions.LookupUser(strconv.Itoa(os.Geteuid())); err != nil {
			t.Fatal(err)
		}
	}
	o := options(t)
	o.User = u
	if err := os.Chmod(o.Dir, 0); err != nil {
		t.Fatal(err)
	}
	err = sh("exit 0").Run(t.Context(), o)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), u.Name) {
		t.Errorf("got %v", err)
	}
}

func TestMayRead(t *testing.T) {
	t.Parallel()
	u := &actions.User{UID: 4_000_001, GID: 4_000_002, Groups: []int{4_000_002}} // nobody's
	top := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"own": 0o600, "open": 0o644, "closed/open": 0o644} {
		path := filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(top, 0o755), os.Chmod(filepath.Dir(top), 0o755), os.Symlink("open", top+"/link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"own": false, "open": true, "link": true, "closed/open": false, "missing": false} {
		if got := u.MayRead(filepath.Join(top, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	u.UID, u.GID = os.Geteuid(), os.Getegid()
	if !u.MayRead(filepath.Join(top, "own")) {
		t.Error("the owner may not read")
	}
}
