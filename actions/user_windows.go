package actions

import "errors"

// LookupUser always fails: on Windows actions run as the agent's own user.
func LookupUser(string) (*User, error) {
	return nil, errors.New("actions cannot run as another user on Windows")
}

// Stranger always fails, too.
func Stranger(name string) (*User, error) { return LookupUser(name) }

// IsIn is always false.
func (*User) IsIn(int) bool { return false }

// IsAnother is always false: actions run as the agent's own user.
func (*User) IsAnother() bool { return false }

func (*User) mayWrite(string) bool { return true }

// MayRead is always true: actions run as the agent's own user.
func (*User) MayRead(string) bool { return true }

// IsRoot is always false.
func (*User) IsRoot() bool { return false }
