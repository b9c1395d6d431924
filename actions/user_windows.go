package actions

import "errors"

// LookupUser always fails: on Windows actions run as the agent's own user.
func LookupUser(string) (*User, error) {
	return nil, errors.New("actions cannot run as another user on Windows")
}

// IsAnother is always false: actions run as the agent's own user.
func (*User) IsAnother() bool { return false }

func (*User) mayWrite(string) bool { return true }

// MayRead is always true: actions run as the agent's own user.
func (*User) MayRead(string) bool { return true }

// IsRoot is always false.
func (*User) IsRoot() bool { return false }
