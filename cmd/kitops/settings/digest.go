package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/bittrance/kitops/poller/secret"
)

// digested sets the digest. The address is the URL as given: its credentials
// count too, and git.URL never shows them.
func (t Task) digested(address string) Task {
	t.Digest = ""
	t.Digest = digest(struct {
		Task    Task
		Address string
		Secrets []string `json:",omitempty"` // which Task does not tell
	}{t, address, t.secrets()})
	return t
}

// ActionsDigest is equal for the same actions, whatever the values of their
// secrets are: it is kept in the state. It is empty where the repository brings them.
func (t Task) ActionsDigest() string {
	if t.Bring != nil {
		return ""
	}
	return digest(t.Actions)[:16]
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
	environments := make([]map[string]secret.Text, 0, len(t.Actions)+1)
	for _, a := range t.Actions {
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
