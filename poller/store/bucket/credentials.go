package bucket

// CredentialsError says why there are none.
type CredentialsError struct {
	Source string // where they should come from, in words
	Err    error
}

func (e *CredentialsError) Error() string { return "credentials of " + e.Source + ": " + e.Err.Error() }
func (e *CredentialsError) Unwrap() error { return e.Err }
