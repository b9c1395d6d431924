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
	"github.com/bittrance/kitops/poller/secret"
)

// Bring says that the repository brings its actions, and what they may have.
type Bring struct {
	File        string                 // in the repository
	Inherit     bool                   // they may ask for the agent's environment
	Token       map[string]string      // the permissions that a token for them may have at most; nil: none
	Environment map[string]secret.Text // the operator's own variables for them
	Grace       time.Duration          `json:",omitempty"` // the task's

	Secrets map[string]actions.Secret `json:",omitempty"` // that they may ask for
}

func (b Bring) check() error {
	if !fs.ValidPath(b.File) || b.File == "." {
		return fmt.Errorf("%q is no path within the repository", b.File)
	}
	return nil
}

// Pushes tells whether an action of the task may get a token with which it can push.
func (t Task) Pushes() bool {
	may := func(token map[string]string) bool { return token["contents"] == "write" }
	return t.Bring != nil && may(t.Bring.Token) || slices.ContainsFunc(t.AllActions(), func(a actions.Action) bool { return may(a.Token) })
}

// trusts demands a word where anybody who may push some branch of some
// repository commands the agent.
func (c Config) trusts(t Task) error {
	if t.Bring == nil || !t.Refs.Wild() && t.Repos == nil || c.Actions.Named() || c.Task.Trust {
		return nil
	}
	return errors.New("whoever may push there commands this agent: name an --action-user for the actions, or say --trust-pushers")
}

// bring makes of the keys config and allow what a task may be brought.
func (f taskFile) bring(keys *taskKeys) *Bring {
	b := &Bring{File: keys.Config.value, Inherit: keys.Allow.keys.Inherit.value, Token: keys.Allow.keys.Token.values, Grace: keys.Grace.value}
	if b.File != "" {
		f.judge(keys.Config.node, "config", b.check())
	}
	for _, name := range keys.Allow.keys.Secrets.entries {
		from, ok := keys.Secrets.values[name.value]
		if !ok {
			f.Wrong(name.node, "the task has no secret %q: secrets: {%s: {file: PATH}} says where it is", name.value, name.value)
			continue
		}
		if b.Secrets == nil {
			b.Secrets = map[string]actions.Secret{}
		}
		b.Secrets[name.value] = from
	}
	for _, name := range []string{"checks", "statuses"} {
		if b.Token[name] != "" {
			f.Wrong(keys.Allow.keys.Token.node, "github_token: %s cannot be allowed: with it the repository's own file could report what its checks are to say", name)
		}
	}
	return b
}

// Parse reads the keys that a repository may set.
func (b Bring) Parse(source []byte, limit time.Duration) (Task, []error) {
	f := taskFile{Reader: &yamlfile.Reader{File: b.File, Needs: "actions"}}
	body := f.Parse(source)
	if body == nil {
		return Task{}, f.Errors()
	}
	var keys broughtKeys
	f.require(&keys, f.fill(&keys, body, "the file"), "the file")
	t := Task{Timeout: keys.Timeout.value}
	for _, list := range []*list[actionKeys]{&keys.Actions, &keys.Failing, &keys.Always} {
		for i := range list.entries {
			if g := &list.entries[i].keys.Grace; g.value > max(b.Grace, actions.Grace) {
				f.Wrong(g.node, "grace is more than the %s that this agent allows", yamlfile.FormatDuration(max(b.Grace, actions.Grace)))
			}
		}
	}
	if t.Timeout > limit {
		f.Wrong(keys.Timeout.node, "timeout is more than the %s that this agent allows", yamlfile.FormatDuration(limit))
	}
	if keys.Branches.given {
		if t.Refs = f.refs(&text{}, &keys.Branches); slices.Contains(t.Refs, "HEAD") {
			f.Wrong(keys.Branches.node, "branches are given by name here, not as HEAD")
		}
	}
	t.Paths = f.paths(&keys.Paths)
	for _, part := range []struct {
		keys *list[actionKeys]
		to   *[]actions.Action
	}{{&keys.Actions, &t.Actions}, {&keys.Failing, &t.OnFailure}, {&keys.Always, &t.Always}} {
		*part.to = f.broughtActions(part.keys, b)
	}
	return t, f.Errors()
}

// broughtActions are actions with what the operator allows them.
func (f taskFile) broughtActions(all *list[actionKeys], b Bring) []actions.Action {
	var made []actions.Action
	for i := range all.entries {
		e := &all.entries[i]
		a := f.action(e, i+1)
		f.forbid(e.node, a, b)
		a.Secrets = f.lent(&e.keys.Secrets, b.Secrets)
		a.Environment = merged(b.Environment, a.Environment)
		made = append(made, a)
	}
	return made
}

// merged lets the operator's variables win.
func merged(operator, brought map[string]secret.Text) map[string]secret.Text {
	all := maps.Clone(brought)
	if all == nil {
		all = map[string]secret.Text{}
	}
	maps.Copy(all, operator)
	return all
}

// forbid notes what the operator does not allow an action.
func (f taskFile) forbid(n ast.Node, a actions.Action, b Bring) {
	if a.InheritEnvironment && !b.Inherit {
		f.Wrong(n, "inherit_environment is not allowed by this agent")
	}
	if a.Token != nil && b.Token == nil {
		f.Wrong(n, "github_token is not allowed by this agent")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Token)) {
		if most := b.Token[name]; b.Token != nil && most != a.Token[name] && most != "write" {
			f.Wrong(n, "github_token: this agent does not allow %s: %s", name, a.Token[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Environment)) {
		if strings.HasPrefix(name, VariablePrefix) {
			f.Wrong(n, "the variable %s is kitops' own", name)
		}
	}
}
