// Package initfile writes the first task file for somebody who has none.
//
// What it writes was read by the same code that reads task files, before anything is on disk. It overwrites nothing.
// kitops init has it asked for here, kitops setup made of what the App reaches.
package initfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

// Init is what the user has said, and where to ask for the rest.
type Init struct {
	Path                string // of the task file
	URL, Branch, Action string
	BranchGiven         bool // also an empty one: the remote's default branch
	Environ             []string
	In                  io.Reader
	Terminal            bool      // somebody answers on In
	Ask, Out            io.Writer // the questions; how to go on
}

// A question is asked until its answer is one that a task file may have.
type question struct {
	answer         *string
	given          bool
	text, proposed string
}

// Run asks for what is missing, and writes the file. Errors of what was said are *settings.Error.
func (i *Init) Run(ctx context.Context) error {
	if _, err := os.Lstat(i.Path); err == nil {
		return i.exists()
	}
	if err := i.complete(ctx); err != nil {
		return err
	}
	task, err := settings.Sketch(i.Environ, i.URL, i.Branch, i.Action)
	if err != nil {
		return err
	}
	if task.Repos == nil && task.URL.Local() {
		i.URL = task.URL.String() // the task file may be in another folder
	}
	source, err := i.compose(task)
	if err != nil {
		return err
	}
	err = app.WriteNew(i.Path, source)
	if errors.Is(err, fs.ErrExist) {
		return i.exists()
	}
	if err != nil {
		return fmt.Errorf("write the task file: %w", err)
	}
	command := "kitops --config-file " + ShellWord(i.Path)
	_, err = fmt.Fprintf(i.Out, "%s is written. Run it once, then for good:\n\n  %s --poll-once\n  %s\n", i.Path, command, command)
	return err
}

func (i *Init) exists() error {
	return settings.Mistake("%s is there already and stays as it is: name another file with --config-file", i.Path)
}

// complete asks for what no flag gave, or names the flags that would.
func (i *Init) complete(ctx context.Context) error {
	origin := ""
	if i.URL == "" {
		origin = originOf(ctx, ".")
	}
	if !i.Terminal {
		var missing []error
		if i.URL == "" {
			hint := ""
			if origin != "" {
				hint = "; the origin of this clone is " + origin
			}
			missing = append(missing, fmt.Errorf("--url is missing, and there is no terminal to ask for the repository%s", hint))
		}
		if i.Action == "" {
			missing = append(missing, errors.New("--action is missing, and there is no terminal to ask for the command"))
		}
		if len(missing) > 0 {
			return &settings.Error{Mistakes: missing}
		}
		return nil
	}
	in := bufio.NewReader(i.In)
	for _, q := range []question{
		{&i.URL, i.URL != "", "Repository to watch", origin},
		{&i.Branch, i.BranchGiven || i.URL != "" && i.Action != "", "Branch, or a pattern such as release/* (empty: its default branch)", ""},
		{&i.Action, i.Action != "", "Command to run in a checkout of each new commit", ""},
	} {
		if q.given {
			continue
		}
		if err := i.ask(in, q); err != nil {
			return err
		}
	}
	return nil
}

func (i *Init) ask(in *bufio.Reader, q question) error {
	for {
		fmt.Fprint(i.Ask, q.text)
		if q.proposed != "" {
			fmt.Fprintf(i.Ask, " [%s]", status.Printable(q.proposed))
		}
		fmt.Fprint(i.Ask, ": ")
		line, err := in.ReadString('\n')
		if err != nil {
			fmt.Fprintln(i.Ask)
			return settings.Mistake("no answer to %q: nothing was written", q.text)
		}
		if *q.answer = strings.TrimSpace(line); *q.answer == "" {
			*q.answer = q.proposed
		}
		if *q.answer == "" && q.answer != &i.Branch {
			continue
		}
		url, action := i.URL, i.Action
		if action == "" {
			action = "true" // it is judged without
		}
		if _, err = settings.Sketch(i.Environ, url, i.Branch, action); err == nil {
			return nil
		}
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(i.Ask, status.Printable(strings.TrimRight(line, "\n")))
		}
	}
}

// originOf is where the clone around a folder comes from, without credentials;
// "" when there is none, or no git to tell.
func originOf(ctx context.Context, dir string) string {
	ask := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimRight(string(out), "\r\n")
	}
	url, err := git.ParseURL(ask("remote", "get-url", "origin"))
	if err != nil {
		return ""
	}
	if top := ask("rev-parse", "--show-toplevel"); filepath.IsAbs(top) {
		url = url.Resolve(top)
	}
	return url.String()
}
