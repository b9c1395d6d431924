package gittest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Repo is a bare repository and a work tree that pushes to it. One goroutine at
// a time may change it.
type Repo struct {
	Dir  string // the bare repository, ….git
	Work string // the work tree; its remote origin is Dir

	tb         TB
	bare, work objects
	zero       string            // the name of no object
	config     map[string]string // of both repositories as they were made
	memo       sync.Map          // see Memo
}

// New makes an empty repository whose default branch is main. It goes with the
// test's temporary directory. Options are those of git init, like
// --object-format=sha256.
func New(tb TB, options ...string) *Repo {
	tb.Helper()
	return NewIn(tb, tb.TempDir(), "repo", options...)
}

// NewIn is New for one of several repositories in a directory: dir/name.git.
func NewIn(tb TB, dir, name string, options ...string) *Repo {
	tb.Helper()
	return NewAt(tb, filepath.Join(dir, name+".git"), filepath.Join(tb.TempDir(), "work"), options...)
}

// NewAt is New for given places of the bare repository, in a directory that is
// there, and of the work tree.
func NewAt(tb TB, bare, work string, options ...string) *Repo {
	tb.Helper()
	r := &Repo{Dir: bare, Work: work, tb: tb}
	initialise(tb, r.Dir, append([]string{"--bare"}, options...))
	initialise(tb, r.gitDir(), options)
	origin := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Dir)
	err := appendTo(filepath.Join(r.gitDir(), "config"), "[remote \"origin\"]\n\turl = \""+origin+"\"\n"+
		"\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n")
	if err != nil {
		tb.Fatalf("%v", err)
	}
	r.config = map[string]string{}
	format := ""
	for _, gitDir := range []string{r.Dir, r.gitDir()} {
		config, err := os.ReadFile(filepath.Join(gitDir, "config"))
		if err != nil {
			tb.Fatalf("%v", err)
		}
		r.config[gitDir] = string(config)
		if strings.Contains(string(config), "objectformat = sha256") {
			format = "sha256"
		}
	}
	r.bare, r.work = newObjects(r.Dir, format), newObjects(r.gitDir(), format)
	r.zero = strings.Repeat("00", r.bare.hash().Size())
	return r
}

// Git runs git in the work tree and returns what it printed, trimmed.
func (r *Repo) Git(args ...string) string {
	r.tb.Helper()
	return Git(r.tb, r.Work, args...)
}

// Bare runs git in the bare repository.
func (r *Repo) Bare(args ...string) string {
	r.tb.Helper()
	return Git(r.tb, r.Dir, args...)
}

// Write puts files into the work tree, directories included.
func (r *Repo) Write(files map[string]string) {
	r.tb.Helper()
	for name, content := range files {
		path := filepath.Join(r.Work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.tb.Fatalf("%v", err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			r.tb.Fatalf("%v", err)
		}
	}
}

// Switch makes name the current branch, beginning where the last one is if it
// is new. It is pushed with its next commit, or by Push.
func (r *Repo) Switch(name string) {
	r.tb.Helper()
	if _, err := r.readRef(r.gitDir(), "refs/heads/"+name); err != nil && r.Git("for-each-ref", "refs/heads/"+name) == "" {
		r.Git("switch", "--quiet", "--create", name)
		return
	}
	r.Git("switch", "--quiet", name)
}

// Reset moves the current branch to another commit, here and in the bare
// repository: a force push.
func (r *Repo) Reset(to string) {
	r.tb.Helper()
	r.Git("reset", "--quiet", "--hard", to)
	r.Push()
}

// Delete deletes a branch of the bare repository.
func (r *Repo) Delete(branch string) {
	r.tb.Helper()
	r.Git("push", "--quiet", "origin", ":refs/heads/"+branch)
}

// SHA is where a revision of the work tree is.
func (r *Repo) SHA(rev string) string {
	r.tb.Helper()
	if ref, err := r.head(); err == nil && rev == "HEAD" {
		if sha, err := r.readRef(r.gitDir(), ref); err == nil {
			return sha
		}
	}
	return r.Git("rev-parse", rev)
}

// Git runs git in dir, free of the configuration of whoever runs the test, and
// returns what it printed, trimmed.
func Git(tb TB, dir string, args ...string) string {
	tb.Helper()
	return GitInput(tb, dir, "", args...)
}

// GitInput is Git with something on standard input.
func GitInput(tb TB, dir, input string, args ...string) string {
	tb.Helper()
	return strings.TrimSpace(string(RawOutput(tb, dir, input, args...)))
}

// RawOutput is GitInput for output of any bytes.
func RawOutput(tb TB, dir, input string, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command("git", args...) //nolint:noctx // a test's git ends by itself
	cmd.Dir, cmd.Env, cmd.Stdin = dir, Environ(), strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		tb.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

// Environ is the environment for git: nobody's configuration, a fixed author
// and date, main as the default branch.
func Environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.DevNull,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=kitops", "GIT_AUTHOR_EMAIL=kitops@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=kitops", "GIT_COMMITTER_EMAIL=kitops@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
		"GIT_CONFIG_COUNT=6",
		"GIT_CONFIG_KEY_0=init.defaultBranch", "GIT_CONFIG_VALUE_0=main",
		"GIT_CONFIG_KEY_1=gc.auto", "GIT_CONFIG_VALUE_1=0",
		"GIT_CONFIG_KEY_2=safe.directory", "GIT_CONFIG_VALUE_2=*",
		"GIT_CONFIG_KEY_3=core.quotePath", "GIT_CONFIG_VALUE_3=false",
		"GIT_CONFIG_KEY_4=maintenance.auto", "GIT_CONFIG_VALUE_4=false", // spares a process that would do nothing
		"GIT_CONFIG_KEY_5=receive.autoGC", "GIT_CONFIG_VALUE_5=false",
	}
}
