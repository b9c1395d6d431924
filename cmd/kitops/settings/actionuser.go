package settings

import (
	"fmt"
	"slices"

	"github.com/bittrance/kitops/actions"
)

// User is whom actions run as, nil for the agent itself.
func (s Settings) User() (*actions.User, error) {
	if !s.Actions.Named() {
		return nil, nil //nolint:nilnil // no user is a valid answer
	}
	user, err := actions.LookupUser(s.Actions.User)
	if err != nil {
		return nil, &Error{Mistakes: []error{fmt.Errorf("--action-user: %w", err)}}
	}
	return user, nil
}

// ReadableKeys are the private keys of GitHub Apps that actions can read, by
// the names of their files; a key that is no file goes by its variable. Only
// another user than the agent's is kept from a key, and only from a file whose
// permissions say so.
func (s Settings) ReadableKeys(user *actions.User) []string {
	var keys []string
	for _, t := range s.Tasks {
		if t.GitHub == nil {
			continue
		}
		key := t.GitHub.KeyFile
		switch {
		case key == "" && user.IsAnother():
			continue
		case key == "":
			key = VariablePrefix + "GITHUB_PRIVATE_KEY"
		case user.IsAnother() && !user.MayRead(key):
			continue
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// KeyRemedy keeps actions from the keys that ReadableKeys names.
const KeyRemedy = "run kitops as root with --action-user USER, and keep the key a file of root's with mode 0600"
