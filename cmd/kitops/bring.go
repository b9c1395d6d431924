package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// maxBrought is the size of a file that brings actions.
const maxBrought = 64 << 10

// bring says that the repository brings its actions, and what they may have.
type bring struct {
	File        string            // in the repository
	Inherit     bool              // they may ask for the agent's environment
	Token       bool              // they may ask for a token
	Environment map[string]string // the operator's own variables for them
}

func (b bring) check() error {
	if !fs.ValidPath(b.File) || b.File == "." {
		return fmt.Errorf("%q is no path within the repository", b.File)
	}
	return nil
}

// trusts demands a word where anybody who may push some branch of some
// repository commands the agent.
func (c config) trusts(t taskSettings) error {
	if t.Bring == nil || !t.Refs.Wild() && t.Repos == nil || c.Actions.User != "" || c.Task.Trust {
		return nil
	}
	return errors.New("whoever may push there commands this agent: name an --action-user for the actions, or say --trust-pushers")
}

// bring reads the keys config and allow of a task.
func (f taskFile) bring(file, allow ast.Node) *bring {
	b := &bring{File: f.text(file, "config")}
	if b.File != "" {
		f.judge(file, "config", b.check())
	}
	if allow != nil {
		m := f.mapping(allow, "allow", "inherit_environment", "github_token")
		b.Inherit, b.Token = m.boolean("inherit_environment"), m.boolean("github_token")
	}
	return b
}

// plan is the poller's Plan: what the file says at this revision. A revision
// without the file has nothing to do.
func (b bring) plan(dir string, rev git.Revision, limit time.Duration) (poller.Plan, error) {
	source, err := b.read(dir)
	if err != nil || source == nil {
		return poller.Plan{}, err
	}
	brought, mistakes := b.parse(source, limit)
	if len(mistakes) > 0 {
		return poller.Plan{}, firstOf(mistakes)
	}
	if matched, _ := brought.Refs.Match(rev.Ref); len(brought.Refs) > 0 && !matched {
		return poller.Plan{}, nil
	}
	for i := range brought.Actions {
		brought.Actions[i].Environment = merged(b.Environment, brought.Actions[i].Environment)
	}
	return poller.Plan{Actions: brought.Actions, Timeout: brought.Timeout}, nil
}

// firstOf is one line for a status, whatever the number of mistakes.
func firstOf(mistakes []error) error {
	if len(mistakes) == 1 {
		return mistakes[0]
	}
	return fmt.Errorf("%w (and %d more)", mistakes[0], len(mistakes)-1)
}

// merged lets the operator's variables win.
func merged(operator, brought map[string]string) map[string]string {
	all := map[string]string{}
	for name, value := range brought {
		all[name] = value
	}
	for name, value := range operator {
		all[name] = value
	}
	return all
}

// read returns the file's content, nil when there is none. Links are not
// followed: the file is the repository's own.
func (b bring) read(dir string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", b.File, err)
	}
	defer root.Close()
	segments := strings.Split(b.File, "/")
	for i := range segments {
		at := path.Join(segments[:i+1]...)
		info, err := root.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", b.File, err)
		case at == b.File && !info.Mode().IsRegular(), at != b.File && !info.IsDir():
			return nil, fmt.Errorf("%s must be a regular file", b.File)
		}
	}
	return readRegular(root, b.File)
}

// readRegular reads a regular file. What an earlier action left running may
// have put something else in its place meanwhile: a pipe is not waited for.
func readRegular(root *os.Root, name string) ([]byte, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s must be a regular file", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	source, err := io.ReadAll(io.LimitReader(file, maxBrought+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(source) > maxBrought:
		return nil, fmt.Errorf("%s is larger than %d KiB", name, maxBrought>>10)
	}
	return source, nil
}

// parse reads the keys that a repository may set: actions, branches, timeout.
func (b bring) parse(source []byte, limit time.Duration) (taskSettings, []error) {
	f := taskFile{yamlReader: &yamlReader{file: b.File, needs: "actions"}, names: map[string]bool{}}
	body := f.parse(source)
	if body == nil {
		return taskSettings{}, f.errors()
	}
	m := f.mapping(body, "the file", "actions", "branches", "timeout")
	m.require("actions")
	t := taskSettings{Timeout: m.duration("timeout", 0)}
	if t.Timeout > limit {
		f.wrong(m.values["timeout"], "timeout is more than the %s that this agent allows", formatDuration(limit))
	}
	if list := m.values["branches"]; list != nil {
		if t.Refs = f.refs(m); slices.Contains(t.Refs, "HEAD") {
			f.wrong(list, "branches are given by name here, not as HEAD")
		}
	}
	if list := m.values["actions"]; list != nil {
		seq, _ := f.value(list).(*ast.SequenceNode)
		t.Actions = f.actions(list)
		for i, a := range t.Actions {
			f.forbid(seq.Values[i], a, b)
		}
	}
	return t, f.errors()
}

// forbid notes what the operator does not allow an action.
func (f taskFile) forbid(n ast.Node, a actions.Action, b bring) {
	if a.InheritEnvironment && !b.Inherit {
		f.wrong(n, "inherit_environment is not allowed by this agent")
	}
	if a.Token != nil && !b.Token {
		f.wrong(n, "github_token is not allowed by this agent")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Environment)) {
		if strings.HasPrefix(name, variablePrefix) {
			f.wrong(n, "the variable %s is kitops' own", name)
		}
	}
}
