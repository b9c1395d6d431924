package file

// gone is never asked in vain: here no child has the locks of its parent.
func gone(int) bool { return false }
