//go:build !linux

package actions

import (
	"errors"
	"os/exec"
)

// Supports refuses limits outside Linux.
func Supports(l Limits) error {
	if l == (Limits{}) {
		return nil
	}
	return errors.New("limits are a thing of Linux")
}

// Allow refuses limits outside Linux.
func (p *Processes) Allow(l Limits) error { return Supports(l) }

// startOutside starts a command, which has to have no limits here.
func (t *tree) startOutside(build func() *exec.Cmd, _ error) (*exec.Cmd, error) {
	if err := Supports(t.limits); err != nil {
		return nil, err
	}
	return startClean(build())
}

func (t *tree) struck(ended error) error { return ended }
