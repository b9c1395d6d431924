package settings

import (
	"fmt"

	"github.com/bittrance/kitops/actions"
)

// User is whom actions run as, nil for the agent itself.
func (s Settings) User() (*actions.User, error) {
	if s.Actions.User == "" {
		return nil, nil //nolint:nilnil // no user is a valid answer
	}
	user, err := actions.LookupUser(s.Actions.User)
	if err != nil {
		return nil, &Error{Mistakes: []error{fmt.Errorf("--action-user: %w", err)}}
	}
	return user, nil
}
