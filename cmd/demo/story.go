package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const interval = "300ms"

// taskFile wants the repository, the published page and the repository again.
const taskFile = `tasks:
  - name: deploy
    git: {url: %[1]q, branch: main}
    actions:
      - {name: test, run: ./test.sh}
      - {name: publish, run: cp index.html "$SITE", environment: {SITE: %[2]q}}
  - name: release
    git: {url: %[1]q, branches: ["release/*"]}
    actions:
      - {name: announce, run: echo "$KITOPS_REF_NAME is out"}
`

const testScript = `#!/bin/sh
if grep -q Hello index.html; then echo "the page greets"; else echo "the page does not greet"; exit 1; fi
`

// scene is a commit to the page, pushed, and what comes of it.
type scene struct{ title, task, branch, message, page, outcome, published string }

func scenes() []scene {
	return []scene{
		{"A good commit", "deploy", "main", "greet the world", "Hello, world!", "success", "Hello, world!"},
		{
			"A commit that fails its test: it is tried again after growing pauses, not in a loop",
			"deploy", "main", "rewrite the page", "Helo, wrold!", "failure", "Hello, world!",
		},
		{"Its fix: a new head waits for no pause", "deploy", "main", "fix the page", "Hello again!", "success", "Hello again!"},
		{
			"A new branch that the pattern release/* matches",
			"release", "release/2.0", "release 2.0", "Hello again!", "success", "Hello again!",
		},
	}
}

// story is what the demonstration goes through.
type story struct {
	screen
	dir, page string // page is what deploy publishes
	repo      repository
	kitops    *agent
	waits     []string // from push to run, of each push
}

func (s *story) play(ctx context.Context, binary string) error {
	s.title("A repository, and a task file that says what to watch and what to do")
	tasks := fmt.Sprintf(taskFile, s.repo.bare, s.page)
	for text := range strings.Lines(tasks) {
		s.quote(strings.TrimRight(text, "\n"))
	}
	if err := os.WriteFile(filepath.Join(s.dir, "tasks.yaml"), []byte(tasks), 0o600); err != nil {
		return err
	}
	first, err := s.push(ctx, "main", "say hello", map[string]string{"index.html": "Hello!\n", "test.sh": testScript})
	if err != nil {
		return err
	}
	second, err := s.push(ctx, "release/1.0", "release 1.0", nil)
	if err != nil {
		return err
	}
	s.title("kitops starts: main runs at its first look, what a pattern finds then is only remembered")
	args := []string{"--config-file", "tasks.yaml", "--interval", interval}
	s.say("you", "kitops %s", strings.Join(args, " "))
	if s.kitops, err = start(ctx, s.screen, binary, s.dir, append(args, "--repo-dir", "repos")...); err != nil {
		return err
	}
	defer s.kitops.stop()
	if err := s.firstLook(ctx, first, second); err != nil {
		return err
	}
	for _, c := range scenes() {
		if err := s.scene(ctx, c); err != nil {
			return err
		}
	}
	return s.end()
}

func (s *story) firstLook(ctx context.Context, first, second push) error {
	first.pushed = time.Time{} // kitops was not there yet
	if err := s.follow(ctx, "deploy", first, "success"); err != nil {
		return err
	}
	if err := s.kitops.await(ctx, "release release/1.0 "+second.sha[:7]+" remembered"); err != nil {
		return err
	}
	return s.published("Hello!")
}

func (s *story) scene(ctx context.Context, c scene) error {
	s.title(c.title)
	p, err := s.push(ctx, c.branch, c.message, map[string]string{"index.html": c.page + "\n"})
	if err != nil {
		return err
	}
	if err := s.follow(ctx, c.task, p, c.outcome); err != nil {
		return err
	}
	if c.outcome != "success" { // it is tried again
		p.pushed = time.Time{}
		if err := s.follow(ctx, c.task, p, c.outcome); err != nil {
			return err
		}
	}
	return s.published(c.published)
}

func (s *story) end() error {
	s.title("The end")
	s.say("you", "kill -TERM %d", s.kitops.cmd.Process.Pid)
	if code := s.kitops.stop(); code != 0 {
		return fmt.Errorf("expected kitops to end with exit code 0, it was %d", code)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "repos", "work", "*"))
	if err != nil || len(left) > 0 {
		return fmt.Errorf("expected kitops to leave no workdirs: %v, %w", left, err)
	}
	s.say("", "kitops ended with exit code 0 and left no workdir.")
	s.say("", "From push to run: %s, with --interval %s.", strings.Join(s.waits, ", "), interval)
	return nil
}

// push commits files to a branch, and tells.
func (s *story) push(ctx context.Context, branch, message string, files map[string]string) (push, error) {
	p, err := s.repo.commit(ctx, branch, message, files)
	if err == nil {
		s.say("you", "push %s %q to %s", p.sha[:7], message, branch)
	}
	return p, err
}

// follow waits for one run from its start to its end, which must be the outcome expected.
func (s *story) follow(ctx context.Context, task string, p push, outcome string) error {
	run := fmt.Sprintf("%s %s %s ", task, p.branch, p.sha[:7])
	if err := s.kitops.await(ctx, run+"run started"); err != nil {
		return err
	}
	if !p.pushed.IsZero() {
		s.waits = append(s.waits, brief(time.Since(p.pushed)))
	}
	return s.kitops.await(ctx, run+outcome+" in ")
}

// published checks the page, which changes with successful runs only.
func (s *story) published(want string) error {
	page, err := os.ReadFile(s.page)
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(page)); got != want {
		return fmt.Errorf("expected the published page to say %q, it says %q", want, got)
	}
	s.say("", "The published page says %q.", want)
	return nil
}
