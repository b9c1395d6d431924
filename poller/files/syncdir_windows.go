package files

// SyncDir does nothing: Windows cannot flush a directory, NTFS keeps its own journal.
func SyncDir(string) error { return nil }
