package wiring

import "errors"

// Keep has nothing to do: no process takes the place of another.
func (a *Agent) Keep() (Handed, error) { return nil, errors.ErrUnsupported }
