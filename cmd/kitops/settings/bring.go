package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
)

// Bring says that the repository brings its actions, and what they may have.
type Bring struct {
	File        string            // in the repository
	Inherit     bool              // they may ask for the agent's environment
	Token       bool              // they may ask for a token
	Environment map[string]string // the operator's own variables for them
}

func (b Bring) check() error {
	if !fs.ValidPath(b.File) || b.File == "." {
		return fmt.Errorf("%q is no path within the repository", b.File)
	}
	return nil
}

// trusts demands a word where anybody who may push some branch of some
// repository commands the agent.
func (c Config) trusts(t Task) error {
	if t.Bring == nil || !t.Refs.Wild() && t.Repos == nil || c.Actions.User != "" || c.Task.Trust {
		return nil
	}
	return errors.New("whoever may push there commands this agent: name an --action-user for the actions, or say --trust-pushers")
}

// bring reads the keys config and allow of a task.
func (f taskFile) bring(file, allow ast.Node) *Bring {
	b := &Bring{File: f.Text(file, "config")}
	if b.File != "" {
		f.judge(file, "config", b.check())
	}
	if allow != nil {
		m := f.Mapping(allow, "allow", "inherit_environment", "github_token")
		b.Inherit, b.Token = m.Boolean("inherit_environment"), m.Boolean("github_token")
	}
	return b
}

// Parse reads the keys that a repository may set: actions, branches, timeout.
func (b Bring) Parse(source []byte, limit time.Duration) (Task, []error) {
	f := taskFile{Reader: &yamlfile.Reader{File: b.File, Needs: "actions"}, names: map[string]bool{}}
	body := f.Parse(source)
	if body == nil {
		return Task{}, f.Errors()
	}
	m := f.Mapping(body, "the file", "actions", "branches", "timeout")
	m.Require("actions")
	t := Task{Timeout: m.Duration("timeout", 0)}
	if t.Timeout > limit {
		f.Wrong(m.Values["timeout"], "timeout is more than the %s that this agent allows", yamlfile.FormatDuration(limit))
	}
	if list := m.Values["branches"]; list != nil {
		if t.Refs = f.refs(m); slices.Contains(t.Refs, "HEAD") {
			f.Wrong(list, "branches are given by name here, not as HEAD")
		}
	}
	if list := m.Values["actions"]; list != nil {
		seq, _ := f.Value(list).(*ast.SequenceNode)
		t.Actions = f.actions(list)
		for i, a := range t.Actions {
			f.forbid(seq.Values[i], a, b)
		}
	}
	return t, f.Errors()
}

// forbid notes what the operator does not allow an action.
func (f taskFile) forbid(n ast.Node, a actions.Action, b Bring) {
	if a.InheritEnvironment && !b.Inherit {
		f.Wrong(n, "inherit_environment is not allowed by this agent")
	}
	if a.Token != nil && !b.Token {
		f.Wrong(n, "github_token is not allowed by this agent")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Environment)) {
		if strings.HasPrefix(name, VariablePrefix) {
			f.Wrong(n, "the variable %s is kitops' own", name)
		}
	}
}
