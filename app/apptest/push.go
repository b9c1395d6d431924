package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const (
	author      = "Mona Lisa"
	authorEmail = "mona@example.com"
)

func findGit() (string, error) { return exec.LookPath("git") }

// Push commits files onto a branch, which it makes if need be, and returns the commit's SHA.
// Without files the commit is empty. What begins with #! is made executable, and a Submodule is one.
func (r *Repository) Push(branch string, files map[string]string) string {
	var sha string
	r.g.change(func() error {
		before, err := r.snapshot()
		if err != nil {
			return err
		}
		if before.git == nil {
			return fmt.Errorf("push to %s: it lives in memory, use SetHead", r.fullName())
		}
		ref := "refs/heads/" + branch
		if err := r.fastImport(ref, before.refs[ref], files); err != nil {
			return err
		}
		after, err := r.snapshot()
		if err != nil {
			return err
		}
		sha, r.pushed = after.refs[ref], r.g.Now()
		return r.remember()
	})
	return sha
}

// Submodule is the content of a file for Push that stands for another repository at a commit.
func Submodule(sha string) string { return "gitlink " + sha }

// fastImport makes a commit without a worktree, in one process.
func (r *Repository) fastImport(ref, parent string, files map[string]string) error {
	var in bytes.Buffer
	data := func(s string) { fmt.Fprintf(&in, "data %d\n%s\n", len(s), s) }
	fmt.Fprintf(&in, "commit %s\ncommitter %s <%s> %d +0000\n", ref, author, authorEmail, r.g.Now().Unix())
	// The time to the nanosecond makes every commit another one.
	data(fmt.Sprintf("push to %s at %s\n", ref, r.g.Now().UTC().Format(time.RFC3339Nano)))
	if parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if sha, ok := strings.CutPrefix(files[path], Submodule("")); ok {
			fmt.Fprintf(&in, "M 160000 %s %q\n", sha, path)
			continue
		}
		mode := "100644"
		if strings.HasPrefix(files[path], "#!") {
			mode = "100755"
		}
		fmt.Fprintf(&in, "M %s inline %q\n", mode, path)
		data(files[path])
	}
	return r.runWith(&in, "fast-import", "--quiet", "--force")
}

// SetHead points a branch at a commit, as a force-push does; an empty sha deletes the branch.
func (r *Repository) SetHead(branch, sha string) { r.SetRef("refs/heads/"+branch, sha) }

// SetRef is SetHead for any ref: refs/tags/v1. In memory any SHA of 40 hexadecimal digits is a commit.
func (r *Repository) SetRef(ref, sha string) {
	r.g.change(func() error {
		r.pushed = r.g.Now()
		if sha != "" && !fullSHA.MatchString(sha) {
			return fmt.Errorf("set %s: %q is no SHA", ref, sha)
		}
		if err := r.setRef(ref, sha); err != nil {
			return err
		}
		return r.remember()
	})
}

func (r *Repository) setRef(ref, sha string) error {
	switch {
	case r.memory == nil && sha == "":
		return r.run("update-ref", "-d", ref)
	case r.memory == nil:
		return r.run("update-ref", ref, sha)
	case sha == "":
		delete(r.memory, ref)
	default:
		r.memory[ref] = sha
		r.known[sha] = true
	}
	return nil
}

// Head is where a branch is; empty when there is none.
func (r *Repository) Head(branch string) string {
	var sha string
	r.g.change(func() error {
		s, err := r.snapshot()
		if err == nil {
			sha = s.refs["refs/heads/"+branch]
		}
		return err
	})
	return sha
}

func (r *Repository) run(args ...string) error { return r.runWith(nil, args...) }

func (r *Repository) runIn(dir string, args ...string) error { return r.gitIn(dir, nil, args...) }

func (r *Repository) runWith(in *bytes.Buffer, args ...string) error {
	return r.gitIn(r.dir, in, args...)
}

func (r *Repository) gitIn(dir string, in *bytes.Buffer, args ...string) error {
	// Named always: without it git would act on whatever repository the caller stands in.
	cmd := exec.CommandContext(context.Background(), r.g.git, append([]string{"--git-dir", dir}, args...)...)
	cmd.Env = gitEnvironment()
	if in != nil {
		cmd.Stdin = in
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w", strings.Join(args, " "), errors.Join(err, errors.New(strings.TrimSpace(string(out)))))
	}
	return nil
}

// gitEnvironment keeps the caller's git configuration out, and trusts repositories of any owner.
func gitEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GIT_") })
	return append(env, gitConfiguration("safe.directory=*")...)
}

// gitConfiguration says key=value pairs in git's environment variables.
func gitConfiguration(pairs ...string) []string {
	env := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0",
		fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(pairs)),
	}
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, name), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, value))
	}
	return env
}
