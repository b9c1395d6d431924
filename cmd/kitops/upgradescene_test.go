//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// The version of the program that the tests build, and that of the next one,
// which differs from it by these letters only.
const (
	testVersion = "0.1.0+built-for-tests"
	nextVersion = "0.2.0+built-for-tests"
)

// What the programs of the tests count the pauses in that wait for a remote: the
// one that is built, and the next one, which is ready in time on a slow machine.
const (
	hasty   = "0.0400s"
	patient = "1.0000s"
)

// nextReleases is a directory with two of the next program, made once for all tests,
// since each is as large as the program: in "patient" it is ready in time on a slow
// machine, in "impatient" it gives up soon.
var nextReleases = sync.OnceValues(func() (string, error) {
	built, err := exec.LookPath("kitops")
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(built), "releases")
	next, err := replaced(program, testVersion, nextVersion)
	if err == nil {
		err = publish(filepath.Join(dir, "impatient"), next)
	}
	if err == nil {
		next, err = replaced(next, hasty, patient)
	}
	if err == nil {
		err = publish(filepath.Join(dir, "patient"), next)
	}
	return dir, err
})

// replaced changes what the linker has put into a program, which stands there once, or also where the build's flags stand.
func replaced(program []byte, old, by string) ([]byte, error) {
	changed := bytes.ReplaceAll(program, []byte(old), []byte(by))
	if bytes.Equal(program, changed) {
		return nil, fmt.Errorf("the program does not have %s", old)
	}
	return changed, nil
}

func publish(dir string, program []byte) error {
	var archive bytes.Buffer
	archive.Grow(len(program) + len(program)/100)
	g, _ := gzip.NewWriterLevel(&archive, gzip.NoCompression)
	w := tar.NewWriter(g)
	_ = w.WriteHeader(&tar.Header{Name: "kitops", Size: int64(len(program)), Mode: 0o755})
	_, _ = w.Write(program)
	_, _ = w.Close(), g.Close()
	name := "kitops_" + nextVersion + "_" + release.Platform(runtime.GOOS, runtime.GOARCH) + ".tar.gz"
	text := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive.Bytes()), name)
	signature, err := release.Sign(text, signer(1), nextVersion)
	return errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), archive.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, release.Checksums), text, 0o644), os.WriteFile(filepath.Join(dir, release.Signature), signature, 0o644))
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// signer has the keys of the tests: the one of now, and the next one.
func signer(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func testKeys() string {
	return release.KeyOf(signer(1)).String() + "," + release.KeyOf(signer(2)).String()
}

// upgraded is an agent whose program is replaced.
type upgraded struct {
	t       *testing.T
	dir     string
	repo    *gittest.Repo
	first   string // its head
	environ []string
	cmd     *exec.Cmd
	done    chan struct{}
	stdin   io.Reader
}

func newUpgraded(t *testing.T) *upgraded {
	t.Helper()
	scenic(t)
	u := &upgraded{t: t, dir: t.TempDir(), repo: gittest.New(t)}
	u.first = u.repo.Commit(map[string]string{"file": "one"})
	for _, name := range []string{"bin", "release", "state"} {
		if err := os.Mkdir(u.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	built, err := exec.LookPath("kitops")
	if err != nil {
		t.Fatal(err)
	}
	if err := copyProgram(u.path("bin/kitops"), built); err != nil {
		t.Fatal(err)
	}
	u.publish("patient")
	u.environ = append(os.Environ(), "PLACE="+u.dir, "KITOPS_STATE_FILE="+u.path("state/state.yaml"), "KITOPS_REPO_DIR="+u.path("repos"), "KITOPS_LOG_FORMAT=text", "HOME="+u.dir, "XDG_CONFIG_HOME="+u.dir)
	return u
}

func (u *upgraded) path(name string) string { return filepath.Join(u.dir, name) }

func (u *upgraded) write(name string, data []byte) {
	u.t.Helper()
	if err := os.WriteFile(u.path(name), data, 0o755); err != nil {
		u.t.Fatal(err)
	}
}

func (u *upgraded) read(name string) string {
	data, err := os.ReadFile(u.path(name))
	if err != nil && !os.IsNotExist(err) {
		u.t.Error(err)
	}
	return string(data)
}

// impatient has the next program give up soon where it is not ready.
func (u *upgraded) impatient() { u.t.Helper(); u.publish("impatient") }

// publish makes one of the releases the one that is upgraded to.
func (u *upgraded) publish(name string) {
	u.t.Helper()
	published, err := nextReleases()
	if err != nil {
		u.t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(published, name))
	for _, file := range files {
		to := filepath.Join(u.path("release"), file.Name())
		_ = os.Remove(to)
		err = errors.Join(err, os.Link(filepath.Join(published, name, file.Name()), to))
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

// kitops runs the installed program to its end.
func (u *upgraded) kitops(code int, args ...string) string {
	u.t.Helper()
	cmd := exec.Command(u.path("bin/kitops"), args...)
	cmd.Env, cmd.Dir = u.environ, u.dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != code {
		u.t.Fatalf("kitops %s: %v\n%s", args, err, out)
	}
	return string(out)
}

// install upgrades while no agent runs.
func (u *upgraded) install() {
	u.t.Helper()
	u.kitops(0, "upgrade", "--from", u.path("release"))
	if u.read("state/upgrade.yaml") != "from: "+testVersion+"\nto: "+nextVersion+"\nstarts: 0\n" {
		u.t.Errorf("upgrade.yaml: %s", u.read("state/upgrade.yaml"))
	}
}

func (u *upgraded) start(args ...string) {
	u.t.Helper()
	log, err := os.OpenFile(u.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		u.t.Fatal(err)
	}
	defer log.Close()
	cmd, done := exec.Command(u.path("bin/kitops"), args...), make(chan struct{})
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Stdin = u.environ, u.dir, log, log, u.stdin
	if err := cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	u.cmd, u.done = cmd, done
	go func() { _ = cmd.Wait(); close(done) }()
	u.t.Cleanup(func() { u.end(syscall.SIGTERM) })
}

// end signals the agent and waits for its end.
func (u *upgraded) end(signal syscall.Signal) {
	_ = u.cmd.Process.Signal(signal)
	<-u.done
}

func (u *upgraded) await(what string, ok func() bool) {
	u.t.Helper()
	if !eventually(ok) {
		u.t.Fatalf("never: %s\n%s\n%s", what, u.read("log"), u.read("state/upgrade.yaml"))
	}
}

func (u *upgraded) awaitLog(words string) {
	u.t.Helper()
	u.await(words, func() bool { return strings.Contains(u.read("log"), words) })
}

// same tells whether two files are one.
func (u *upgraded) same(a, b string) bool {
	first, err := os.Stat(a)
	second, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(first, second)
}

// rolledBack fails unless the former program is back, and runs in the same process.
func (u *upgraded) rolledBack(why string) {
	u.t.Helper()
	u.awaitLog("version=\"" + testVersion)
	history := u.read("state/upgraded.yaml")
	if !u.same(u.path("bin/kitops"), u.path("bin/kitops.old")) || !strings.Contains(history, "to: "+nextVersion) || !strings.Contains(history, why) {
		u.t.Errorf("%s", history)
	}
	if line := u.kitops(0, "version"); !strings.HasPrefix(line, "kitops "+testVersion+" ") || !strings.Contains(line, "was rolled back to "+testVersion) {
		u.t.Errorf("version: %s", line)
	}
	if said := u.kitops(1, "upgrade", "--from", u.path("release")); !strings.Contains(said, "was rolled back at ") {
		u.t.Errorf("upgrade: %s", said)
	}
}

// freePort is one that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// readable tells whether a process of kitops' shows which program it is.
func readable() bool { return runtime.GOOS == "linux" && os.Geteuid() == 0 }
