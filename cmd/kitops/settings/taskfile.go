package settings

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// taskFile reads tasks from a YAML file.
type taskFile struct {
	*yamlfile.Reader
	dir    string         // paths in the file are relative to it
	flags  Config         // what flags and variables say
	app    *GitHub        // of tasks without a github key
	shared *taskKeys      // defaults
	told   []Notification // of the runs of all tasks
	common bool           // it is defaults that are read
	names  map[string]bool
}

// readTaskFile returns the tasks and the runners, or every mistake in the file.
func readTaskFile(path string, flags Config) ([]Task, []RunnerSet, []error) {
	source, err := readSource(path, yamlfile.MaxDocument+1)
	if err != nil {
		return nil, nil, []error{err}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, []error{fmt.Errorf("locate %s: %w", path, err)}
	}
	return parseTaskFile(path, dir, source, flags)
}

func parseTaskFile(path, dir string, source []byte, flags Config) ([]Task, []RunnerSet, []error) {
	f := taskFile{
		Reader: &yamlfile.Reader{File: path, Needs: "tasks"},
		dir:    dir, flags: flags, app: flags.GitHub(), shared: &taskKeys{}, names: map[string]bool{},
	}
	body := f.Parse(source)
	if body == nil {
		return nil, nil, f.Errors()
	}
	var top topKeys
	f.require(&top, f.fill(&top, body, "the task file"), "the task file")
	f.told = f.notifications(&top.Notify)
	if top.Defaults.given {
		f.shared = &top.Defaults.keys
		f.task(&entry[taskKeys]{body: top.Defaults.body}, true) // what is wrong with them is told once
	}
	var tasks []Task
	for i := range top.Tasks.entries {
		tasks = append(tasks, f.task(&top.Tasks.entries[i], false))
	}
	sets := f.runners(&top.Runners)
	return tasks, sets, f.Errors()
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

// task makes a task of its keys and those of defaults. For the defaults alone
// it notes the mistakes that they would be in every task.
func (f taskFile) task(e *entry[taskKeys], common bool) Task {
	f.common = common
	keys := &e.keys
	inherit(keys, f.shared)
	f.require(keys, e.body, "task")
	t := Task{
		Name: keys.Name.value, RunNew: keys.OnNew.value == "run", Silent: keys.OnNone.value == "silent", FinishUnleased: keys.OnLost.value == "finish",
		Each: keys.RunOn.value == "each" && f.flags.Poller.State != "", Where: keys.Where.all(),
		Interval: keys.Every.or(f.flags.Poller.Interval), Timeout: keys.Timeout.or(f.flags.Poller.Timeout),
	}
	t.Limits = f.limits(&keys.Limits)
	if t.Name != "" {
		f.judge(keys.Name.node, "name", checkName(t.Name))
		if strings.HasPrefix(t.Name, poller.GroupPrefix) {
			f.Wrong(keys.Name.node, "name: %q begins as the memory of a group does: choose another", t.Name)
		}
		if f.names[t.Name] {
			f.Wrong(keys.Name.node, "a second task is named %q", t.Name)
		}
		f.names[t.Name] = true
	}
	for _, entry := range keys.Where.entries {
		f.judge(entry.node, "instances", checkWhere(entry.value))
	}
	t.Elsewhere = len(t.Where) > 0 && !f.flags.isOneOf(t.Where)
	if t.GitHub = f.app; keys.GitHub.given {
		t.GitHub = f.github(&keys.GitHub)
	}
	address := ""
	switch {
	case keys.Git.inherited && !common:
		f.Wrong(e.body, "task has no git")
	case keys.Git.given:
		address = f.git(&keys.Git, &t, keys.Pulls.given)
	}
	f.pulls(&keys.Pulls, &t)
	f.checkEnvironmentAddress(&keys.GitHub.keys, &t)
	t.Paths, t.Verify = f.paths(&keys.Paths), f.verify(&keys.Verify, &t)
	f.what(keys, &t)
	t.Rules = f.rules(keys)
	if c := t.Checkout.Credentials; c != nil && c.Patterns != nil && t.GitHub == nil {
		f.Wrong(keys.Git.node, "patterns in submodule_credentials need a GitHub App")
	}
	if t.Notify = f.notifications(&keys.Notify); !common {
		t.Notify = append(t.Notify, f.told...)
	}
	return f.flags.notified(t).digested(address)
}

// git fills in what to watch. It returns the address as written, which may
// hold credentials.
func (f taskFile) git(s *section[gitKeys], t *Task, pulls bool) (address string) {
	keys := &s.keys
	f.require(keys, s.body, "git")
	switch address = keys.URL.value; {
	case keys.URLs.given:
		entries := keys.URLs.all()
		if address = strings.Join(entries, "\n"); len(entries) > 0 {
			f.judge(keys.URLs.node, "urls", t.watchMany(entries))
		}
	case address == "":
	case isRepoPattern(address):
		f.judge(keys.URL.node, "url", t.watchMany([]string{address}))
	default:
		var err error
		t.URL, err = f.flags.address(address, f.dir)
		f.judge(keys.URL.node, "url", err)
	}
	f.watched(keys, t, pulls)
	t.Checkout = f.checkout(keys)
	t.SSHKeyFile = f.flags.Git.SSHKeyFile
	if file := keys.SSHKeyFile.value; file != "" {
		t.SSHKeyFile = f.path(file)
		f.judge(keys.SSHKeyFile.node, "ssh_key_file", checkSSHKeyFile(t.SSHKeyFile))
	}
	return address
}

// watched fills in which refs are watched: branches, or tags, or both.
func (f taskFile) watched(keys *gitKeys, t *Task, pulls bool) {
	tags, versions := f.tags(&keys.Tags)
	t.Versions = versions
	if !keys.Tags.given && !pulls || keys.Branch.given || keys.Branches.given {
		t.Refs = f.refs(&keys.Branch, &keys.Branches)
	}
	t.Refs = append(t.Refs, tags...)
	if len(t.Refs) > maxPatterns && len(tags) > 0 {
		f.Wrong(keys.Tags.node, "%d patterns of branches and tags are more than %d", len(t.Refs), maxPatterns)
	}
}

// what fills in what to do: actions, or the file that brings them.
func (f taskFile) what(keys *taskKeys, t *Task) {
	if keys.Config.given {
		t.Bring = f.bring(keys)
		if !f.common {
			f.judge(keys.Config.node, "config", f.flags.trusts(*t))
		}
		f.after(keys, t)
		return
	}
	if keys.Allow.given && !keys.Allow.inherited && !f.common {
		f.Wrong(keys.Allow.node, "allow goes with config")
	}
	t.Actions = f.actions(&keys.Actions, keys.Secrets.values)
	f.after(keys, t)
}

// after fills in what to do afterwards.
func (f taskFile) after(keys *taskKeys, t *Task) {
	if len(keys.Secrets.names) > 0 {
		f.Wrong(keys.Secrets.node, "secrets of a task is a mapping such as {NAME: {file: PATH}}")
	}
	t.OnFailure, t.Always = f.actions(&keys.Failing.list, keys.Secrets.values), f.actions(&keys.Always, keys.Secrets.values)
}

func (f taskFile) refs(one *text, many *texts) git.Patterns {
	at, entries := one.node, []text{*one}
	switch {
	case many.given:
		at, entries = many.node, many.entries
	case !one.given:
		return git.Patterns{"HEAD"}
	}
	before := len(f.Mistakes)
	var refs git.Patterns
	for _, entry := range entries {
		if entry.value == "" {
			continue
		}
		ref, err := refPattern(entry.value)
		f.judge(entry.node, "branch", err)
		refs = append(refs, ref)
	}
	if len(f.Mistakes) == before && (many.given || one.value != "") {
		f.judge(at, "branches", validRefs(refs))
	}
	return refs
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
