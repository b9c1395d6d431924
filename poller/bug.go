package poller

import (
	"fmt"
	"runtime/debug"
)

// bugError is a panic that was caught where the work of a task begins. It ends
// that work, and not the tasks beside it.
type bugError struct {
	value any
	stack []byte
}

func (e *bugError) Error() string { return e.brief() + "\n" + string(e.stack) }

func (e *bugError) brief() string {
	return fmt.Sprintf("a bug in kitops, please report it with the log: %v", e.value)
}

// protected calls f and turns a panic of it into an error.
func protected(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &bugError{value, debug.Stack()}
		}
	}()
	return f()
}
