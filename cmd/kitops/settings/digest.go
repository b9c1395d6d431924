package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// digested sets the digest. The address is the URL as given: its credentials
// count too, and git.URL never shows them.
func (t Task) digested(address string) Task {
	t.Digest = ""
	former := t
	former.Notify = digestible(t.Notify)
	t.Digest = digest(struct {
		Task    Task
		Address string
		Secrets []string `json:",omitempty"` // which Task does not tell
	}{former, address, t.secrets()})
	return t
}

// digestible are notifications as the kitops wrote them that knew neither gave_up nor behind, so that the digest of a task
// without these keys stays.
func digestible(all []Notification) []Notification {
	before := slices.DeleteFunc(usualChanges(), func(c poller.Change) bool { return c == poller.GaveUp })
	var written []Notification
	for _, n := range all {
		switch {
		case slices.Equal(n.On, usualChanges()):
			n.On = before
		case slices.Equal(n.On, before):
			n.On = append(before[:len(before):len(before)], "no "+poller.GaveUp)
		}
		if !slices.Contains(n.On, poller.Late) {
			n.Behind = 0
		}
		written = append(written, n)
	}
	return written
}

// ActionsDigest is equal for the same actions, whatever the values of their
// secrets are: it is kept in the state. It is empty where the repository brings them.
func (t Task) ActionsDigest() string {
	if t.Bring != nil {
		return ""
	}
	return digest(t.Actions)[:16]
}

// AllActions are the actions and what runs after them.
func (t Task) AllActions() []actions.Action { return slices.Concat(t.Actions, t.OnFailure, t.Always) }

// Definition is equal for the same task on every host, whatever its secrets are and
// wherever its files: it is told to the other instances.
func (t Task) Definition() string {
	var repos []string
	if t.Repos != nil {
		repos = t.Repos.Entries()
	}
	return digest(struct {
		URL                string
		Repos, Refs, Where []string
		New, Each, Finish  bool
		Interval, Timeout  time.Duration
		Actions, Brought   string
		Rules              poller.Rules  `json:",omitzero"`
		Versions           *git.Versions `json:",omitempty"`
		Pulls              *Pulls        `json:",omitempty"`
		Paths              []string      `json:",omitempty"`
		Verified, Forward  bool          `json:",omitempty"`
		WebFlow            bool          `json:",omitempty"`
	}{
		t.URL.String(), repos, t.Refs, t.Where, t.RunNew, t.Each, t.FinishUnleased, t.Interval, t.Timeout, t.ActionsDigest(), t.broughtFile(), t.Rules, t.Versions, t.Pulls, t.Paths,
		t.Verify != nil, t.Verify != nil && t.Verify.Forward, t.Verify != nil && t.Verify.Web,
	})[:16]
}

func (t Task) broughtFile() string {
	if t.Bring == nil {
		return ""
	}
	return t.Bring.File
}

// digest is of what always marshals: strings, numbers and maps of strings.
func digest(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// secrets are all that a task holds, each with its name.
func (t Task) secrets() []string {
	var all []string
	if t.GitHub != nil {
		all = append(all, t.GitHub.Key.Reveal())
	}
	var environments []map[string]secret.Text
	for _, a := range t.AllActions() {
		environments = append(environments, a.Environment)
	}
	if t.Bring != nil {
		environments = append(environments, t.Bring.Environment)
	}
	for _, environment := range environments {
		for _, name := range slices.Sorted(maps.Keys(environment)) {
			all = append(all, name, environment[name].Reveal())
		}
	}
	return all
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}
