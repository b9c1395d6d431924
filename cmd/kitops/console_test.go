//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// seat is somebody at a terminal.
type seat struct {
	t       *testing.T
	dir     string
	columns uint16
	environ []string
	watches func(shown string) // is told after each piece; may be nil
}

// runs starts kitops on the terminal and returns what that shows until it has
// ended. At the text stop, if that is not empty, it is told to stop.
func (s seat) runs(stop string, args ...string) string {
	s.t.Helper()
	screen, terminal, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	defer screen.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: s.columns}); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), "kitops", args...)
	cmd.Dir, cmd.Stderr = s.dir, terminal
	cmd.Env = append(gittest.Environ(), "PATH="+os.Getenv("PATH"), "HOME="+s.dir, "TMPDIR="+s.t.TempDir(), "TERM=xterm", "GORACE=atexit_sleep_ms=10")
	cmd.Env = append(cmd.Env, s.environ...)
	err = cmd.Start()
	terminal.Close()
	if err != nil {
		s.t.Fatal(err)
	}
	var shown bytes.Buffer
	for piece := make([]byte, 4096); ; {
		n, err := screen.Read(piece) // on Linux EIO at the end
		shown.Write(piece[:n])
		if s.watches != nil {
			s.watches(shown.String())
		}
		if stop != "" && strings.Contains(shown.String(), stop) {
			stop = ""
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
		if err != nil || n == 0 {
			break
		}
	}
	_ = cmd.Wait()
	return shown.String()
}

// settled leaves out what is another at each run.
func settled(shown, dir string) string {
	for _, change := range [][2]string{
		{regexp.QuoteMeta(dir), "DIR"},
		{`\d\d:\d\d:\d\d`, "HH:MM:SS"},
		{`in [0-9.]+m?s\b`, "in 23ms"},
		{`version="[^"]*"`, "version=VERSION"},
		{"\r\n", "\n"},
		{"\x1b", `\e`},
	} {
		shown = regexp.MustCompile(change[0]).ReplaceAllString(shown, change[1])
	}
	return shown
}

// TestSessionOnATerminal compares all that a person sees of a short session
// with testdata/console.txt. Escape is \e there.
func TestSessionOnATerminal(t *testing.T) {
	t.Parallel()
	s := seat{t: t, dir: t.TempDir(), columns: 80}
	repo := gittest.NewAt(t, filepath.Join(s.dir, "shop.git"), filepath.Join(s.dir, "shop"))
	tasks := `tasks:
  - name: deploy
    git: {url: shop.git}
    actions:
      - {name: test, run: 'printf "\033[1mok\033[0m %0120d\n" 1; test ! -e broken'}
      - {name: publish, run: cat page}
`
	if err := os.WriteFile(filepath.Join(s.dir, "tasks.yaml"), []byte(tasks), 0o600); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	tell := func(title, shown string) { all.WriteString("# " + title + "\n" + shown + "\n") }

	first := repo.Commit(map[string]string{"page": "<h1>Hello</h1>\n"})
	tell("The agent, until a signal ends it", s.runs(" in ", "--config-file", "tasks.yaml", "--interval", "1h"))
	second := repo.Commit(map[string]string{"broken": ""})
	once := []string{"--config-file", "tasks.yaml", "--interval", "1ns", "--poll-once", "--state-file", "once.yaml"}
	tell("--poll-once, of a commit that fails", s.runs("", once...))
	s.environ = []string{"NO_COLOR=1"}
	tell("NO_COLOR", s.runs("", once...))
	s.environ = []string{"TERM=dumb"}
	tell("A terminal that can do nothing", s.runs("", once...))
	s.environ = nil

	const long = "feature/something-with-a-long-name"
	repo.Git("push", "--quiet", "origin", "HEAD:"+long)
	s.columns = 60
	url := []string{"--url", "shop.git", "--branch", long, "--action", "echo hello", "--poll-once", "--state-file", "long.yaml"}
	tell("A narrow one", s.runs("", url...))
	tell("Nothing new", s.runs("", url...))
	url[3] = "hotfix/*"
	tell("A pattern that matches nothing", s.runs("", url...))

	const golden = "testdata/console.txt"
	got := strings.NewReplacer(first[:7], "1111111", second[:7], "2222222").Replace(settled(all.String(), s.dir))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
