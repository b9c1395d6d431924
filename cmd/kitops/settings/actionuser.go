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

// Strangers is whom actions run as that strangers have written. There is nobody where the settings name nobody.
func (s Settings) Strangers() (user *actions.User, named bool, err error) {
	switch name := s.Actions.Untrusted; {
	case name == "":
		return nil, false, nil
	case s.Actions.Shared():
		user, err = s.User()
		return user, err == nil, err
	default:
		if user, err = actions.Stranger(name); err == nil {
			err = s.apart(user)
		}
	}
	if err != nil {
		return nil, false, &Error{Mistakes: []error{fmt.Errorf("--untrusted-user: %w", err)}}
	}
	return user, true, nil
}

// apart makes sure that untrusted runs get at nothing of other users, who are ended with them.
func (s Settings) apart(user *actions.User) error {
	if !user.IsAnother() {
		return fmt.Errorf("%s is kitops' own user, who can do all that kitops can: name one for nothing else, or accept that by --untrusted-user same", user.Name)
	}
	others := map[string]string{}
	for _, set := range s.Runners {
		if set.User != SameUser {
			others[set.User] = "of runners " + set.Name
		}
	}
	if s.Actions.Named() {
		others[s.Actions.User] = "of --action-user"
	}
	for name, whose := range others {
		other, err := actions.LookupUser(name)
		switch {
		case err != nil: // which is said elsewhere
		case other.UID == user.UID:
			return fmt.Errorf("%s is the user %s, too, whose processes would be ended: name one for nothing else", user.Name, whose)
		case user.IsIn(other.GID):
			return fmt.Errorf("%s is in the group of the user %s, and gets into his working directories: name one who is not", user.Name, whose)
		}
	}
	return nil
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
