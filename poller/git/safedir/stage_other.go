//go:build !unix

package safedir

// Stage has files replace others. Here that is to remove and make them.
func (d *Dir) Stage(_, _ string) error {
	d.replace = true
	return nil
}

// ChangedAt is not known here, as nothing of files is.
func ChangedAt(string) (Time, error) { return Time{}, nil }
