package worktree

// Owner is a user of the host.
type Owner struct{ UID, GID int }
