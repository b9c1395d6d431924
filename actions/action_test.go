//go:build unix

package actions_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/secret"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	if err := sh("exit 0").Run(t.Context(), options(t)); err != nil {
		t.Errorf("exit 0: %v", err)
	}
	var failed *exec.ExitError
	err := sh("exit 3").Run(t.Context(), options(t))
	if !errors.As(err, &failed) || failed.ExitCode() != 3 {
		t.Errorf("exit 3: %v", err)
	}
	err = sh("kill -KILL $$").Run(t.Context(), options(t))
	if !errors.As(err, &failed) || failed.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("killed: %v", err)
	}
}

func write(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestEntrypoint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin", "shadow"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "bin", "tool"), "#!/bin/sh\necho \"$0 $1\"\n", 0o700)
	write(t, filepath.Join(dir, "shadow"), "#!/bin/sh\necho found\n", 0o700)
	pathVar := "PATH=relative::" + filepath.Join(dir, "none") + ":" + filepath.Join(dir, "bin") + ":" + dir
	tool := filepath.Join(dir, "bin", "tool")
	for entrypoint, want := range map[string]string{
		tool: tool + " x\n", "./bin/tool": tool + " x\n", "bin/tool": tool + " x\n", "tool": tool + " x\n", "shadow": "found\n",
	} {
		t.Run(entrypoint, func(t *testing.T) {
			t.Parallel()
			var out buffer
			a := actions.Action{Entrypoint: entrypoint, Args: []string{"x"}}
			o := actions.Options{Dir: dir, Environ: []string{pathVar}, Out: &out}
			if err := a.Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("printed %q, want %q", out.String(), want)
			}
		})
	}
}

func TestCannotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write(t, file("plain"), "#!/bin/sh\n", 0o600)
	write(t, file("lost"), "#! /no/such/shell -e\n", 0o700)
	write(t, file("returned"), "#!/bin/sh\r\n", 0o700)
	write(t, file("text"), "neither this nor that", 0o700)
	for name, tt := range map[string]struct {
		entrypoint, dir string
		is              error
		want            string
	}{
		"missing file":        {"/no/such/file", dir, fs.ErrNotExist, "/no/such/file: no such file"},
		"missing, relative":   {"./deploy", dir, fs.ErrNotExist, file("deploy") + ": no such file"},
		"not in PATH":         {"no-such-tool", dir, exec.ErrNotFound, "PATH"},
		"no entrypoint":       {"", dir, nil, "no entrypoint"},
		"not executable":      {"./plain", dir, fs.ErrPermission, "is not executable (mode -rw-------)"},
		"directory":           {dir, dir, fs.ErrPermission, "is not a file"},
		"missing interpreter": {"./lost", dir, fs.ErrNotExist, `interpreter "/no/such/shell"`},
		"Windows line end":    {"./returned", dir, fs.ErrNotExist, `interpreter "/bin/sh\r"`},
		"no format":           {"./text", dir, syscall.ENOEXEC, "no program for this machine"},
		"missing directory":   {"/bin/sh", file("none"), fs.ErrNotExist, "working directory " + file("none")},
		"directory is a file": {"/bin/sh", file("plain"), nil, "is not a directory"},
		"relative directory":  {"/bin/sh", ".", nil, "not an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := func(actions.Group) { t.Error("it started") }
			o := actions.Options{Dir: tt.dir, Environ: []string{path}, Started: started}
			err := actions.Action{Entrypoint: tt.entrypoint}.Run(t.Context(), o)
			var failed *exec.ExitError
			if err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want something with %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
}

func TestNotStartedWhenDone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("too late")
	cancel(cause)
	o := options(t)
	o.Started = func(actions.Group) { t.Error("it started") }
	if err := sh("exit 0").Run(ctx, o); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestInputAndDirectory(t *testing.T) {
	t.Parallel()
	var out buffer
	o := options(t)
	o.Out = &out
	if err := sh("cat; pwd -P; echo err >&2; echo out").Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := dir + "\nerr\nout\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

// Git in an action never finds the repository that the working directory
// happens to stand in, nor the one whose hook started the agent.
func TestRepositoryAround(t *testing.T) {
	t.Parallel()
	around := t.TempDir()
	if out, err := exec.Command("git", "init", "--quiet", around).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := filepath.Join(around, "work", "run")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	environ := []string{path, "GIT_DIR=" + filepath.Join(around, ".git"), "GIT_WORK_TREE=" + around, "GIT_INDEX_FILE=" + filepath.Join(around, "index")}
	for _, from := range []string{".", "sub"} {
		a := sh("git -C " + from + " rev-parse --show-toplevel && exit 4; exit 0")
		a.InheritEnvironment = true
		o := actions.Options{Dir: dir, Environ: environ, Out: t.Output()}
		if err := a.Run(t.Context(), o); err != nil {
			t.Errorf("from %s git finds a repository: %v", from, err)
		}
	}
	var out buffer
	a := sh("git init --quiet . && git -C sub rev-parse --show-toplevel; echo $GIT_CEILING_DIRECTORIES")
	a.Environment = map[string]secret.Text{"GIT_CEILING_DIRECTORIES": secret.New("/mine")}
	if err := a.Run(t.Context(), actions.Options{Dir: dir, Environ: environ, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if real, err := filepath.EvalSymlinks(dir); err != nil || out.String() != real+"\n"+filepath.Dir(dir)+":/mine\n" {
		t.Errorf("of its own it finds %q, %v", out.String(), err)
	}
}

// brokenWriter fails at once; the command must not notice.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestBrokenOut(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Out = brokenWriter{}
	if err := sh("head -c 1000000 /dev/zero && echo more").Run(t.Context(), o); err != nil {
		t.Error(err)
	}
}

func TestHugeOutput(t *testing.T) { // not parallel: it measures memory
	const size = 200_000_000
	var sizes []int
	var told []string
	w := actions.Lines(actions.OutputLimit, func(s string) {
		sizes = append(sizes, len(s))
		if strings.HasPrefix(s, "output truncated") {
			told = append(told, s)
		}
	})
	o := options(t)
	o.Out = w
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := sh("head -c 200000000 /dev/zero").Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 50<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if len(told) != 2 {
		t.Fatalf("told %q", told)
	}
	// 148 pieces at the beginning, three and the last one at the end.
	const piece, begun, ended, rest = 64 << 10, 148, 3, size % (64 << 10)
	if pieces := len(sizes); pieces != begun+2+ended+1 || sizes[begun-1] != piece || sizes[pieces-1] != rest {
		t.Errorf("%d pieces, the last of %d bytes", pieces, sizes[len(sizes)-1])
	}
	left := size - (begun+ended)*piece - rest
	if want := fmt.Sprintf("output truncated: %d lines, %d bytes are left out here", left/piece, left); told[1] != want {
		t.Errorf("told %q, want %q", told, want)
	}
}
