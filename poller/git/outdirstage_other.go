//go:build !unix

package git

// replacing has files replace others. Here that is to remove and make them.
func (o *outDir) replacing(_, _ string) error {
	o.replace = true
	return nil
}

// changedAt is not known here, as nothing of files is.
func changedAt(string) (fileTime, error) { return fileTime{}, nil }
