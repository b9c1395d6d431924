package settings

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller/git"
)

// taskFile reads tasks from a YAML file.
type taskFile struct {
	*yamlfile.Reader
	dir      string // paths in the file are relative to it
	defaults Config
	common   *GitHub // of tasks without a github key
	names    map[string]bool
}

// readTaskFile returns the tasks, or every mistake in the file.
func readTaskFile(path string, defaults Config) ([]Task, []error) {
	source, err := readLimited(path, yamlfile.MaxDocument+1)
	if err != nil {
		return nil, []error{err}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, []error{fmt.Errorf("locate %s: %w", path, err)}
	}
	return parseTaskFile(path, dir, source, defaults)
}

func parseTaskFile(path, dir string, source []byte, defaults Config) ([]Task, []error) {
	f := taskFile{&yamlfile.Reader{File: path, Needs: "tasks"}, dir, defaults, defaults.GitHub(), map[string]bool{}}
	body := f.Parse(source)
	if body == nil {
		return nil, f.Errors()
	}
	var tasks []Task
	top := f.Mapping(body, "the task file", "tasks")
	top.Require("tasks")
	if n := top.Values["tasks"]; n != nil {
		entries := f.List(n, "tasks")
		if seq, ok := f.Value(n).(*ast.SequenceNode); ok && len(seq.Values) == 0 {
			f.Wrong(n, "tasks is empty; it needs at least one task")
		}
		for _, entry := range entries {
			tasks = append(tasks, f.task(entry))
		}
	}
	return tasks, f.Errors()
}

// readLimited reads at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return nil, err
	}
	return data, nil
}

func (f taskFile) task(n ast.Node) Task {
	m := f.Mapping(n, "task", "name", "git", "on_new", "github", "interval", "timeout", "actions", "config", "allow")
	m.Require("name", "git")
	t := Task{
		Name:     m.Text("name"),
		Interval: m.Duration("interval", f.defaults.Poller.Interval),
		Timeout:  m.Duration("timeout", f.defaults.Poller.Timeout),
	}
	if t.Name != "" {
		f.judge(m.Values["name"], "name", checkName(t.Name))
		if f.names[t.Name] {
			f.Wrong(m.Values["name"], "a second task is named %q", t.Name)
		}
		f.names[t.Name] = true
	}
	switch when := m.Text("on_new"); when {
	case "", "remember":
	case "run":
		t.RunNew = true
	default:
		f.Wrong(m.Values["on_new"], "on_new must be remember or run, not %q", when)
	}
	if g, ok := m.Values["github"]; ok {
		t.GitHub = f.github(g)
	} else {
		t.GitHub = f.common
	}
	address := ""
	if g, ok := m.Values["git"]; ok {
		address = f.git(g, &t)
	}
	f.what(m, &t)
	if c := t.Checkout.Credentials; c != nil && c.Patterns != nil && t.GitHub == nil {
		f.Wrong(m.Values["git"], "patterns in submodule_credentials need a GitHub App")
	}
	return t.digested(address)
}

// git fills in what to watch. It returns the address as written, which may
// hold credentials.
func (f taskFile) git(n ast.Node, t *Task) (address string) {
	m := f.Mapping(n, "git", "url", "urls", "branch", "branches", "ssh_key_file",
		"checkout", "clean", "dot_git", "history", "submodules", "submodule_credentials")
	one, list := m.Values["url"], m.Values["urls"]
	switch {
	case one != nil && list != nil:
		f.Wrong(list, "url and urls exclude each other")
	case list != nil:
		address = f.repositories(list, t)
	default:
		m.Require("url")
		if address = m.Text("url"); address == "" {
			break
		}
		if isRepoPattern(address) {
			f.judge(one, "url", t.watchMany([]string{address}))
			break
		}
		url, err := git.ParseURL(address)
		f.judge(one, "url", err)
		t.URL = url.Resolve(f.dir)
	}
	t.Refs, t.Checkout = f.refs(m), f.checkout(m)
	t.SSHKeyFile = f.defaults.Git.SSHKeyFile
	if file := m.Text("ssh_key_file"); file != "" {
		t.SSHKeyFile = f.path(file)
		f.judge(m.Values["ssh_key_file"], "ssh_key_file", checkSSHKeyFile(t.SSHKeyFile))
	}
	return address
}

func (f taskFile) repositories(list ast.Node, t *Task) (address string) {
	var entries []string
	for _, n := range f.List(list, "urls") {
		if entry := f.Text(n, "url"); entry != "" {
			entries = append(entries, entry)
		}
	}
	if len(entries) > 0 {
		f.judge(list, "urls", t.watchMany(entries))
	}
	return strings.Join(entries, "\n")
}

// what fills in what to do: actions, or the file that brings them.
func (f taskFile) what(m yamlfile.Mapping, t *Task) {
	list, file := m.Values["actions"], m.Values["config"]
	switch {
	case list != nil && file != nil:
		f.Wrong(file, "config and actions exclude each other: the repository brings the actions")
	case file != nil:
		t.Bring = f.bring(file, m.Values["allow"])
		f.judge(file, "config", f.defaults.trusts(*t))
	default:
		m.Require("actions")
		if m.Values["allow"] != nil {
			f.Wrong(m.Values["allow"], "allow goes with config")
		}
		if list != nil {
			t.Actions = f.actions(list)
		}
	}
}

func (f taskFile) refs(m yamlfile.Mapping) git.Patterns {
	one, list := m.Values["branch"], m.Values["branches"]
	if one != nil && list != nil {
		f.Wrong(list, "branch and branches exclude each other")
		return nil
	}
	var nodes []ast.Node
	at := one
	switch {
	case one != nil:
		nodes = []ast.Node{one}
	case list != nil:
		at, nodes = list, f.List(list, "branches")
	default:
		return git.Patterns{"HEAD"}
	}
	before := len(f.Mistakes)
	var refs git.Patterns
	for _, n := range nodes {
		branch := f.Text(n, "branch")
		if branch == "" {
			continue
		}
		ref, err := refPattern(branch)
		f.judge(n, "branch", err)
		refs = append(refs, ref)
	}
	if len(f.Mistakes) == before {
		f.judge(at, "branches", refs.Validate())
	}
	return refs
}

func (f taskFile) actions(n ast.Node) []actions.Action {
	entries := f.List(n, "actions")
	if seq, ok := f.Value(n).(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		f.Wrong(n, "actions is empty; a task needs at least one action")
	}
	var all []actions.Action
	for i, entry := range entries {
		all = append(all, f.action(entry, i+1))
	}
	return all
}

func (f taskFile) action(n ast.Node, number int) actions.Action {
	m := f.Mapping(n, "action", "name", "entrypoint", "args", "run", "environment", "inherit_environment", "github_token")
	a := actions.Action{Name: fmt.Sprintf("action-%d", number), InheritEnvironment: m.Boolean("inherit_environment")}
	if name := m.Text("name"); name != "" {
		a.Name = name
		f.judge(m.Values["name"], "name", checkName(name))
	}
	command, entrypoint := m.Text("run"), m.Text("entrypoint")
	switch {
	case m.Values["run"] == nil && m.Values["entrypoint"] == nil:
		m.Require("entrypoint")
	case m.Values["run"] == nil:
		a.Entrypoint = entrypoint
	case m.Values["entrypoint"] != nil || m.Values["args"] != nil:
		f.Wrong(m.Values["run"], "run is short for entrypoint and args: give either")
	default:
		a = withShell(a, command)
	}
	if args, ok := m.Values["args"]; ok {
		for _, arg := range f.List(args, "args") {
			a.Args = append(a.Args, f.Scalar(arg, "argument"))
		}
	}
	if environment, ok := m.Values["environment"]; ok {
		a.Environment = f.environment(environment)
	}
	if token, ok := m.Values["github_token"]; ok {
		a.Token = f.token(token)
	}
	return a
}

// environment is a mapping, or a list of mappings as the first kitops had it.
func (f taskFile) environment(n ast.Node) map[string]string {
	parts := []ast.Node{n}
	if list, ok := f.Value(n).(*ast.SequenceNode); ok {
		parts = list.Values
	}
	all := map[string]string{}
	for _, part := range parts {
		m, ok := f.Value(part).(*ast.MappingNode)
		if !ok {
			f.WrongType(part, "environment", "a mapping")
			continue
		}
		for _, entry := range m.Values {
			name := f.Key(entry.Key)
			if name == "" {
				continue
			}
			if _, twice := all[name]; twice {
				f.Wrong(entry.Key, "duplicate key %q in environment", name)
			}
			f.judge(entry.Key, "environment", checkVariable(name))
			all[name] = f.Scalar(entry.Value, "environment "+name)
		}
	}
	return all
}

// judge notes what a check found wrong with a value.
func (f taskFile) judge(n ast.Node, what string, err error) {
	if err != nil {
		f.Wrong(n, "%s: %s", what, err)
	}
}

func (f taskFile) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}
