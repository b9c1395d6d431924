package actions

import "errors"

// Interrupt is not to be had for a process without a console.
func (g Group) Interrupt() error { return errors.ErrUnsupported }
