package apptest

import (
	"context"
	"errors"
	"fmt"
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
	// The time to the nanosecond makes every commit another one.
	return r.PushMessage(branch, fmt.Sprintf("push to refs/heads/%s at %s\n", branch, r.g.Now().UTC().Format(time.RFC3339Nano)), files)
}

// PushMessage is Push of a commit with a message.
func (r *Repository) PushMessage(branch, message string, files map[string]string) string {
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
		if sha, err = (committing{before.git}).commit(ref, before.refs[ref], message, r.g.Now(), files); err != nil {
			return fmt.Errorf("push to %s: %w", r.fullName(), err)
		}
		r.pushed = r.g.Now()
		r.moved(ref, before.refs[ref], sha, r.owner)
		r.openSuites(branch, sha)
		return r.remember()
	})
	return sha
}

// Submodule is the content of a file for Push that stands for another repository at a commit.
func Submodule(sha string) string { return "gitlink " + sha }

// SetHead points a branch at a commit, as a force-push does; an empty sha deletes the branch.
func (r *Repository) SetHead(branch, sha string) { r.SetRef("refs/heads/"+branch, sha) }

// SetRef is SetHead for any ref: refs/tags/v1. In memory any SHA of 40 hexadecimal digits is a commit.
func (r *Repository) SetRef(ref, sha string) {
	r.g.change(func() error {
		r.pushed = r.g.Now()
		if sha != "" && !fullSHA.MatchString(sha) {
			return fmt.Errorf("set %s: %q is no SHA", ref, sha)
		}
		before, err := r.snapshot()
		if err != nil {
			return err
		}
		r.moved(ref, before.refs[ref], sha, r.owner)
		if err := r.setRef(ref, sha); err != nil {
			return err
		}
		return r.remember()
	})
}

// Tag makes an annotated tag of a commit, or moves it there, and returns its own object.
func (r *Repository) Tag(name, sha string) (object string) {
	r.g.change(func() error {
		r.pushed = r.g.Now()
		err := r.run("-c", "user.name="+author, "-c", "user.email="+authorEmail, "tag", "--force", "--annotate", "--message=x", name, sha)
		if err != nil {
			return err
		}
		s, err := r.snapshot()
		if err != nil {
			return err
		}
		object = s.refs["refs/tags/"+name]
		return r.remember()
	})
	return object
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

func (r *Repository) run(args ...string) error {
	// Named always: without it git would act on whatever repository the caller stands in.
	cmd := exec.CommandContext(context.Background(), r.g.git, append([]string{"--git-dir", r.dir}, args...)...)
	cmd.Env = gitEnvironment()
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
