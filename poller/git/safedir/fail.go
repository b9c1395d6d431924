package safedir

// Fail is asked before a step ("mkdir", "open", "chmod", "write", "symlink",
// "rename" or "remove") of a name: what it returns is the error of the step, nil lets it
// happen. Tests have a disk be full with it, or a file system read-only.
type Fail func(op, name string) error

func (d *Dir) fails(op, name string) error {
	if d.Fail == nil {
		return nil
	}
	return fileError(op, name, d.Fail(op, name))
}
