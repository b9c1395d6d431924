// Package bug turns a panic into an error that says what it is: a bug of kitops.
//
// It is for where a piece of work begins that others go on beside. The rest of
// the program ends with a panic, as the service manager expects it.
package bug

import (
	"fmt"
	"runtime/debug"
)

// Error is a panic that was caught, with the stack at that moment.
type Error struct {
	value any
	stack []byte
}

func (e *Error) Error() string { return e.Brief() + "\n" + string(e.stack) }

// Brief is the error without the stack.
func (e *Error) Brief() string {
	return fmt.Sprintf("a bug in kitops, please report it with the log: %v", e.value)
}

// Catch calls f. A panic of it is an error that is *[Error].
func Catch(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Error{value, debug.Stack()}
		}
	}()
	return f()
}

// Caught is f for another goroutine, with its panics for errors.
func Caught(f func() error) func() error { return func() error { return Catch(f) } }
