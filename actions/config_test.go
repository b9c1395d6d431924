package actions_test

import (
	"testing"

	"github.com/bittrance/kitops/actions"
)

func TestUsersThatAreNamed(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]bool{"": false, "same": false, "kitops-actions": true} {
		if (actions.Config{User: user}).Named() != want {
			t.Errorf("%q: %v", user, !want)
		}
	}
}
