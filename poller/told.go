package poller

import "errors"

// ToldError is an error of Once that the observers have heard of.
type ToldError struct{ Err error }

func (e ToldError) Error() string { return e.Err.Error() }

// Unwrap returns what they have heard of.
func (e ToldError) Unwrap() error { return e.Err }

// told marks an error, if there is one.
func told(err error) error {
	if err == nil {
		return nil
	}
	return ToldError{err}
}

// Untold is what is left of joined errors without those that observers have
// heard of, nil if that is nothing.
func Untold(err error) error {
	switch e := err.(type) { //nolint:errorlint // what is wrapped was told in other words
	case ToldError:
		return nil
	case interface{ Unwrap() []error }:
		var left []error
		for _, part := range e.Unwrap() {
			left = append(left, Untold(part))
		}
		return errors.Join(left...)
	}
	return err
}
