//go:build !linux

package actions

import "errors"

// EndAll cannot tell outside Linux which processes are a user's.
func (p *Processes) EndAll(*User) error {
	return errors.New("all processes of a user can be ended on Linux only")
}
